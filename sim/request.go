package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// ErrUnreachable is what Request returns when the other node is down or has no such handler.
var ErrUnreachable = errors.New("sim: the node can't be reached")

// RemoteError is an error that a handler returned on another node. Only its text crosses the network.
type RemoteError struct {
	Node, Request, Text string
}

// Error is the text, with where it comes from.
func (e *RemoteError) Error() string {
	return fmt.Sprintf("request %q to node %s: %s", e.Request, e.Node, e.Text)
}

// handler answers the requests of one name.
type handler func(ctx context.Context, req []byte) (resp []byte, err error)

// Serve makes the running incarnation of a node answer requests of this name, each in a task of its own.
// It is called by one of the node's tasks, most often by its boot function. What crosses the network is
// what encoding/json keeps, so that no two nodes share memory.
func Serve[Req, Resp any](n *Node, name string, handle func(ctx context.Context, req Req) (Resp, error)) {
	inc := n.enter("Serve")
	if inc.handlers == nil {
		inc.handlers = make(map[string]handler)
	}
	inc.handlers[name] = func(ctx context.Context, data []byte) ([]byte, error) {
		var req Req
		if err := json.Unmarshal(data, &req); err != nil {
			return nil, fmt.Errorf("the request does not decode as %T: %w", req, err)
		}
		resp, err := handle(ctx, req)
		if err != nil {
			return nil, err
		}
		return json.Marshal(resp)
	}
}

// Request sends a request to a node and waits for the answer. The network may lose the request or its answer,
// be slow, or deliver either twice, so that the handler may run more than once: give ctx a timeout with
// World.WithTimeout. It returns ErrUnreachable, wrapped, when the node is down, ErrCrashed when it dies
// meanwhile, a *RemoteError when the handler returned an error, and the cause of ctx when that is done first.
func Request[Req, Resp any](ctx context.Context, to *Node, name string, req Req) (Resp, error) {
	var resp Resp
	data, err := json.Marshal(req)
	if err != nil {
		return resp, fmt.Errorf("sim: request %q does not encode: %w", name, err)
	}
	answer, err := to.request(ctx, name, data)
	if err != nil {
		return resp, err
	}
	if err := json.Unmarshal(answer, &resp); err != nil {
		return resp, fmt.Errorf("sim: the answer to request %q does not decode as %T: %w", name, resp, err)
	}
	return resp, nil
}

// reply is what a caller waits for.
type reply struct {
	caller *eventloop.Task
	inc    *incarnation // the caller's; nil for clients
	done   bool
	data   []byte
	err    error
}

func (r *reply) resolve(data []byte, err error) {
	if r.done || r.inc != nil && r.inc.dead {
		return
	}
	r.done, r.data, r.err = true, data, err
	r.caller.Wake()
}

func (n *Node) request(ctx context.Context, name string, data []byte) ([]byte, error) {
	w := n.world
	caller := w.current("Request")
	r := &reply{caller: caller}
	r.inc, _ = caller.Owner.(*incarnation)
	from := nodeOf(caller)
	w.event(evSend, from, n.name, name, int64(len(data)))
	w.post(message{
		from: from, to: n, name: name,
		arrived: func(inc *incarnation) { inc.handle(from, r, name, data) },
		failed: func() {
			r.resolve(nil, fmt.Errorf("%w: node %q is down, request %q", ErrUnreachable, n.name, name))
		},
	})
	for !r.done {
		if err := w.loop.ParkContext(ctx, n.answer); err != nil {
			r.done = true
			return nil, err
		}
	}
	return r.data, r.err
}

// handle runs the handler of a request that has arrived, and sends the answer back.
func (inc *incarnation) handle(from *Node, r *reply, name string, data []byte) {
	n := inc.node
	w := n.world
	serve := inc.handlers[name]
	if serve == nil {
		r.resolve(nil, fmt.Errorf("%w: node %q does not serve %q", ErrUnreachable, n.name, name))
		return
	}
	answered := false
	t := w.spawn(inc, name, func() {
		resp, err := serve(w.loop.Current().Context(), data)
		n.enter("Serve")
		inc.mayCrash(atAnswer, "before the answer to request", name)
		answered = true
		if err != nil {
			err = &RemoteError{Node: n.name, Request: name, Text: err.Error()}
		}
		w.post(message{
			from: n, to: from, name: "answer to " + name,
			arrived: func(*incarnation) { r.resolve(resp, err) },
		})
	})
	t.OnDone(func(*eventloop.Task) {
		if !answered {
			r.resolve(nil, fmt.Errorf("%w: node %q, during request %q", ErrCrashed, n.name, name))
		}
	})
}
