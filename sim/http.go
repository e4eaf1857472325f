package sim

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// HTTPClient is a client whose requests go over the simulated network, for the tasks of nodes and for
// clients. Each request has a connection of its own. Give requests a context with World.WithTimeout: the
// client's own Timeout counts wall time.
func (w *World) HTTPClient() *http.Client {
	return &http.Client{Transport: httpTransport{w}}
}

// httpTransport makes one request after another in the calling task; net/http's own starts goroutines.
type httpTransport struct{ world *World }

func (t httpTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	address := req.URL.Host
	if req.URL.Port() == "" {
		address = net.JoinHostPort(req.URL.Hostname(), "80")
	}
	if req.URL.Scheme != "http" {
		return nil, errors.New("sim: the simulated network has no https; use http, since nobody can listen in")
	}
	ctx := req.Context()
	c, err := t.world.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	var resp *http.Response
	err = t.world.loop.Under(ctx, func() error {
		req := req.Clone(ctx)
		req.Close = true
		if err := req.Write(c); err != nil {
			return err
		}
		resp, err = http.ReadResponse(bufio.NewReader(c), req)
		return err
	})
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	resp.Body = &closingBody{resp.Body, c}
	return resp, nil
}

// closingBody closes the connection with the body.
type closingBody struct {
	io.ReadCloser
	conn net.Conn
}

func (b *closingBody) Close() error {
	return errors.Join(b.ReadCloser.Close(), b.conn.Close())
}

// ServeHTTP answers requests that arrive at the listener with the handler, each in a task of the node, until
// the listener is closed. Like http.Server it keeps the status, the headers and the body, and sends them when
// the handler has returned; each connection serves one request.
func (n *Node) ServeHTTP(l net.Listener, handler http.Handler) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		n.world.spawn(n.enter("Node.ServeHTTP"), "http "+c.RemoteAddr().String(), func() {
			defer c.Close()
			req, err := http.ReadRequest(bufio.NewReader(c))
			if err != nil {
				return
			}
			req.RemoteAddr = c.RemoteAddr().String()
			rw := &responseWriter{header: http.Header{}}
			handler.ServeHTTP(rw, req.WithContext(n.world.loop.Current().Context()))
			_ = rw.response(req).Write(c)
		})
	}
}

// responseWriter keeps what a handler answers.
type responseWriter struct {
	header http.Header
	sent   http.Header // as it was at the first WriteHeader
	status int
	body   bytes.Buffer
}

func (rw *responseWriter) Header() http.Header { return rw.header }

func (rw *responseWriter) WriteHeader(status int) {
	if rw.status == 0 {
		rw.status, rw.sent = status, rw.header.Clone()
	}
}

func (rw *responseWriter) Write(b []byte) (int, error) {
	rw.WriteHeader(http.StatusOK)
	return rw.body.Write(b)
}

func (rw *responseWriter) response(req *http.Request) *http.Response {
	rw.WriteHeader(http.StatusOK)
	return &http.Response{
		Status:     strings.TrimSpace(strconv.Itoa(rw.status) + " " + http.StatusText(rw.status)),
		StatusCode: rw.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: rw.sent, Request: req, Close: true,
		Body: io.NopCloser(&rw.body), ContentLength: int64(rw.body.Len()),
	}
}
