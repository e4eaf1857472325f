package sim

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// window is how many bytes a connection takes that have not arrived yet; then Write waits.
const window = 64 << 10

// Addr is the address of one end of a connection: the name of a node, and a port.
type Addr string

// Network is "sim".
func (Addr) Network() string { return "sim" }

// String is the node and the port: worker:80.
func (a Addr) String() string { return string(a) }

// conn is one end of a simulated connection. What is written arrives at the other end in order, each Write as
// one arrival; a partition delays it, a crash of the other node resets it.
type conn struct {
	world         *World
	inc           *incarnation // whose end it is; nil for clients
	local, remote Addr
	out, in       *pipe
	readBy        time.Time // the deadlines; zero is none
	writeBy       time.Time
	closed        bool
}

// pipe is one direction of a connection.
type pipe struct {
	world     *World
	from, to  *Node
	queue     [][]byte // written and not sent yet; a nil element is the end
	queued    int
	travels   bool   // a part is on its way
	buf       []byte // arrived and not read yet
	ended     bool   // the end has arrived
	broken    error  // what both ends get from now on
	readers   []*eventloop.Task
	writers   []*eventloop.Task
	brokenFor func() // tells the other direction
}

// newConns makes the two ends of a connection.
func (w *World) newConns(a, b *incarnation, aAddr, bAddr Addr) (near, far *conn) {
	nodeOf := func(inc *incarnation) *Node {
		if inc == nil {
			return nil
		}
		return inc.node
	}
	there := &pipe{world: w, from: nodeOf(a), to: nodeOf(b)}
	back := &pipe{world: w, from: nodeOf(b), to: nodeOf(a)}
	reset := func() {
		there.fail(syscall.ECONNRESET)
		back.fail(syscall.ECONNRESET)
	}
	there.brokenFor, back.brokenFor = reset, reset
	near = &conn{world: w, inc: a, local: aAddr, remote: bAddr, out: there, in: back}
	far = &conn{world: w, inc: b, local: bAddr, remote: aAddr, out: back, in: there}
	for _, c := range [...]*conn{near, far} {
		if c.inc != nil {
			c.inc.conns = append(c.inc.conns, c)
		}
	}
	return near, far
}

// pump sends the next part, one at a time, so that they arrive in order.
func (p *pipe) pump() {
	if p.travels || len(p.queue) == 0 || p.broken != nil {
		return
	}
	part := p.queue[0]
	p.queue = p.queue[1:]
	p.travels = true
	name := fmt.Sprintf("%d bytes", len(part))
	if part == nil {
		name = "the end"
	}
	p.world.post(message{
		from: p.from, to: p.to, name: name, stream: true, failed: p.brokenFor,
		arrived: func(*incarnation) { p.arrived(part) },
	})
}

func (p *pipe) arrived(part []byte) {
	p.travels = false
	p.queued -= len(part)
	p.buf = append(p.buf, part...)
	p.ended = p.ended || part == nil
	wakeAll(&p.readers)
	wakeAll(&p.writers)
	p.pump()
}

// fail breaks one direction.
func (p *pipe) fail(err error) {
	if p.broken == nil {
		p.broken = err
		wakeAll(&p.readers)
		wakeAll(&p.writers)
	}
}

func wakeAll(tasks *[]*eventloop.Task) {
	waiting := *tasks
	*tasks = nil
	for _, t := range waiting {
		t.Wake()
	}
}

// enter refuses tasks that the end does not belong to.
func (c *conn) enter(what string) *eventloop.Task {
	t := c.world.current(what)
	if inc, _ := t.Owner.(*incarnation); inc != c.inc {
		panic(misuse(what, fmt.Sprintf("of %s was called by task %q, not its own", c.local, t.Name()),
			"a connection is for the tasks of the node that dialed or accepted it"))
	}
	return t
}

// Read waits for what the other end has written.
func (c *conn) Read(b []byte) (int, error) {
	t := c.enter("Conn.Read")
	p := c.in
	for len(p.buf) == 0 {
		switch {
		case c.closed:
			return 0, c.error("read", net.ErrClosed)
		case p.broken != nil:
			return 0, c.error("read", p.broken)
		case p.ended:
			return 0, io.EOF
		case len(b) == 0:
			return 0, nil
		}
		if err := c.wait(t, &p.readers, c.readBy); err != nil {
			return 0, c.error("read", err)
		}
	}
	n := copy(b, p.buf)
	p.buf = p.buf[n:]
	return n, nil
}

// Write sends b, and waits while too much is on its way.
func (c *conn) Write(b []byte) (int, error) {
	t := c.enter("Conn.Write")
	p := c.out
	for {
		switch {
		case c.closed:
			return 0, c.error("write", net.ErrClosed)
		case p.broken != nil:
			return 0, c.error("write", p.broken)
		}
		if p.queued == 0 || p.queued+len(b) <= window {
			break
		}
		if err := c.wait(t, &p.writers, c.writeBy); err != nil {
			return 0, c.error("write", err)
		}
	}
	if len(b) > 0 {
		p.queue = append(p.queue, append(make([]byte, 0, len(b)), b...))
		p.queued += len(b)
		p.pump()
	}
	return len(b), nil
}

// wait parks the task until the pipe changes or the deadline has passed.
func (c *conn) wait(t *eventloop.Task, list *[]*eventloop.Task, by time.Time) error {
	w := c.world
	if !by.IsZero() {
		left := by.Sub(w.Now())
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		stop := w.wakeLater(c.inc, left, t.Wake)
		defer stop()
	}
	*list = append(*list, t)
	err := w.loop.Park("connection " + string(c.local) + " to " + string(c.remote))
	*list = without(*list, t)
	return err
}

// Close ends both directions: the other end reads what was written, and then io.EOF.
func (c *conn) Close() error {
	c.enter("Conn.Close")
	if c.closed {
		return c.error("close", net.ErrClosed)
	}
	c.closed = true
	c.out.queue = append(c.out.queue, nil)
	c.out.pump()
	wakeAll(&c.in.readers)
	if c.inc != nil {
		c.inc.conns = slices.DeleteFunc(c.inc.conns, func(o *conn) bool { return o == c })
	}
	return nil
}

// reset breaks the connection because the node of this end has died. The other end learns of it over the
// network.
func (c *conn) reset() {
	in, out := c.in, c.out
	in.fail(syscall.ECONNRESET)
	if c.closed || out.broken != nil {
		return
	}
	out.queue = nil
	c.world.post(message{
		from: out.from, to: out.to, name: "reset", stream: true,
		arrived: func(*incarnation) { out.brokenFor() },
	})
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline is SetReadDeadline and SetWriteDeadline. Deadlines are in virtual time, and bind calls that
// begin after them.
func (c *conn) SetDeadline(at time.Time) error {
	c.readBy, c.writeBy = at, at
	return nil
}

func (c *conn) SetReadDeadline(at time.Time) error {
	c.readBy = at
	return nil
}

func (c *conn) SetWriteDeadline(at time.Time) error {
	c.writeBy = at
	return nil
}

func (c *conn) error(op string, err error) error {
	return &net.OpError{Op: op, Net: "sim", Source: c.local, Addr: c.remote, Err: err}
}

// listener accepts connections for one incarnation of a node.
type listener struct {
	inc     *incarnation
	addr    Addr
	backlog []*conn
	waiting []*eventloop.Task
	closed  bool
}

// Listen accepts connections to the node at this port, such as "80". The listener dies with the incarnation
// that made it.
func (n *Node) Listen(port string) (net.Listener, error) {
	inc := n.enter("Node.Listen")
	addr := Addr(n.name + ":" + port)
	for _, l := range inc.listeners {
		if l.addr == addr {
			return nil, &net.OpError{Op: "listen", Net: "sim", Addr: addr, Err: syscall.EADDRINUSE}
		}
	}
	l := &listener{inc: inc, addr: addr}
	inc.listeners = append(inc.listeners, l)
	return l, nil
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	l.inc.node.enter("Listener.Accept")
	w := l.inc.node.world
	for len(l.backlog) == 0 {
		if l.closed {
			return nil, &net.OpError{Op: "accept", Net: "sim", Addr: l.addr, Err: net.ErrClosed}
		}
		t := w.loop.Current()
		l.waiting = append(l.waiting, t)
		err := w.loop.Park("connections to " + string(l.addr))
		l.waiting = without(l.waiting, t)
		if err != nil {
			return nil, &net.OpError{Op: "accept", Net: "sim", Addr: l.addr, Err: err}
		}
	}
	c := l.backlog[0]
	l.backlog = l.backlog[1:]
	return c, nil
}

// Close ends Accept. Connections that were accepted stay.
func (l *listener) Close() error {
	l.inc.node.enter("Listener.Close")
	l.close()
	return nil
}

func (l *listener) close() {
	l.closed = true
	for i, other := range l.inc.listeners {
		if other == l {
			l.inc.listeners = append(l.inc.listeners[:i], l.inc.listeners[i+1:]...)
			break
		}
	}
	wakeAll(&l.waiting)
}

func (l *listener) Addr() net.Addr { return l.addr }

// Dial connects the running task's node, or a client, to an address such as "worker:80". Its signature is
// what libraries want as a dial function; network must be "sim" or "tcp". It returns the cause of ctx when
// that is done first, and a refused connection when nobody listens there.
func (w *World) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	t := w.current("World.Dial")
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: Addr(address), Err: err}
	}
	if network != "sim" && network != "tcp" {
		return fail(net.UnknownNetworkError(network))
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fail(err)
	}
	to := w.nodeNamed(host)
	if to == nil {
		return fail(&net.DNSError{Err: "no such node in this world", Name: host, IsNotFound: true})
	}
	inc, _ := t.Owner.(*incarnation)
	d := &dialing{task: t, from: inc, to: to, addr: Addr(address)}
	d.begin(w)
	for !d.done {
		if err := w.loop.ParkContext(ctx, "a connection to "+address); err != nil {
			d.done = true
			return fail(err)
		}
	}
	if d.err != nil {
		return fail(d.err)
	}
	return d.conn, nil
}

// dialing is a connection that is being made.
type dialing struct {
	task *eventloop.Task
	from *incarnation
	to   *Node
	addr Addr
	done bool
	conn *conn
	err  error
}

func (d *dialing) begin(w *World) {
	from := nodeOf(d.task)
	w.dialed++
	local := Addr(fmt.Sprintf("%s:%d", endName(from), 49151+w.dialed))
	refuse := func() { d.end(nil, syscall.ECONNREFUSED) }
	w.post(message{
		from: from, to: d.to, name: "connect " + string(d.addr), stream: true, failed: refuse,
		arrived: func(inc *incarnation) {
			answer := message{
				from: d.to, to: from, name: "refused", stream: true,
				arrived: func(*incarnation) { refuse() },
			}
			if l := inc.listener(d.addr); l != nil {
				near, far := w.newConns(d.from, inc, local, d.addr)
				l.backlog = append(l.backlog, far)
				wakeAll(&l.waiting)
				answer.name = "connected"
				answer.arrived = func(*incarnation) { d.end(near, nil) }
			}
			w.post(answer)
		},
	})
}

func (d *dialing) end(c *conn, err error) {
	if d.done || d.from != nil && d.from.dead {
		if c != nil {
			c.reset() // nobody waits for it any more
		}
		return
	}
	d.done, d.conn, d.err = true, c, err
	d.task.Wake()
}

// listener is the open listener at an address, or nil.
func (inc *incarnation) listener(addr Addr) *listener {
	for _, l := range inc.listeners {
		if l.addr == addr {
			return l
		}
	}
	return nil
}

// nodeNamed is the node with the name, or nil.
func (w *World) nodeNamed(name string) *Node {
	for _, n := range w.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}
