package sim_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

var badNetwork = sim.Config{Disk: store.NewMemoryDisk, Faults: fault.MustParse(
	"crash 1%; slow 1%; drop 1%; duplicate 1%; reorder 1%; partition 1%")}

type charge struct{ Cents int }

// till is a node that adds up what it is asked to charge.
func till(w *sim.World, total *int) *sim.Node {
	return w.Node("till", func(n *sim.Node) {
		sim.Serve(n, "charge", func(_ context.Context, c charge) (int, error) {
			if c.Cents < 0 {
				return 0, errors.New("less than nothing")
			}
			*total += c.Cents
			return *total, nil
		})
	})
}

// TestRequest shows each way in which a request ends.
func TestRequest(t *testing.T) {
	for _, c := range []struct {
		name, deviations string
		total            int
		err              error
	}{
		{"answered", "", 5, nil},
		{"lost", `"shop->till/drop"#1 = 1`, 0, context.DeadlineExceeded},
		{"answer lost", `"till->shop/drop"#1 = 1`, 5, context.DeadlineExceeded},
		{"twice", `"shop->till/duplicate"#1 = 1`, 10, nil},
		{"slow", `"shop->till/slow"#1 = 6`, 5, context.DeadlineExceeded},
		{"partition", `"shop->till/partition"#1 = 4`, 0, context.DeadlineExceeded},
		{"crash", `till/crash/answer#1 = 1`, 5, sim.ErrCrashed},
	} {
		t.Run(c.name, func(t *testing.T) {
			total := 0
			var ended error
			trace, failure := sim.Run(badNetwork, c.deviations, func(w *sim.World) {
				n := till(w, &total)
				_ = w.Sleep(w.Context(), time.Second)
				w.Node("shop", func(shop *sim.Node) {
					ctx, cancel := w.WithTimeout(w.Context(), 10*time.Second)
					defer cancel()
					_, ended = sim.Request[charge, int](ctx, n, "charge", charge{5})
				})
				_ = w.Sleep(w.Context(), time.Hour)
			})
			require.Nil(t, failure, trace)
			require.NotContains(t, trace, "DRIFT")
			require.ErrorIs(t, ended, c.err)
			require.Equal(t, c.total, total, trace)
			golden.Assert(t, "network/"+strings.ReplaceAll(c.name, " ", "-")+".txt", trace)
		})
	}
}

// TestReorder lets the second of two requests overtake the first.
func TestReorder(t *testing.T) {
	for deviations, want := range map[string][]int{"": {1, 2}, `"outside->till/reorder"#1 = 1`: {2, 1}} {
		var got []int
		trace, failure := sim.Run(badNetwork, deviations, func(w *sim.World) {
			n := w.Node("till", func(n *sim.Node) {
				sim.Serve(n, "charge", func(_ context.Context, cents int) (int, error) {
					got = append(got, cents)
					return 0, nil
				})
			})
			_ = w.Sleep(w.Context(), time.Second)
			for _, cents := range []int{1, 2} {
				w.Go("client", func(ctx context.Context) { _, _ = sim.Request[int, int](ctx, n, "charge", cents) })
			}
			_ = w.Sleep(w.Context(), time.Second)
		})
		require.Nil(t, failure, trace)
		require.Equal(t, want, got, trace)
	}
}

// TestRequestFromOutside shows what a client sees of nodes that are down, silent or confused.
func TestRequestFromOutside(t *testing.T) {
	trace, failure := sim.Run(badNetwork, "", func(w *sim.World) {
		total := 0
		n := till(w, &total)
		ask := func(name string, c any) error {
			ctx, cancel := w.WithTimeout(w.Context(), 10*time.Second)
			defer cancel()
			_, err := sim.Request[any, int](ctx, n, name, c)
			return err
		}
		_ = w.Sleep(w.Context(), time.Second)
		require.NoError(w, ask("charge", charge{1}))
		var remote *sim.RemoteError
		require.ErrorAs(w, ask("charge", charge{-1}), &remote)
		require.Equal(w, sim.RemoteError{Node: "till", Request: "charge", Text: "less than nothing"}, *remote)
		require.ErrorContains(w, ask("charge", "five"), "the request does not decode")
		require.ErrorIs(w, ask("refund", charge{1}), sim.ErrUnreachable)
		w.Partition(nil, n)
		require.ErrorIs(w, ask("charge", charge{1}), context.DeadlineExceeded)
		w.Repair(nil, n)
		w.Hold(nil, n)
		require.ErrorIs(w, ask("charge", charge{1}), context.DeadlineExceeded)
		w.Release(nil, n)
		_ = w.Sleep(w.Context(), time.Second)
		require.Equal(w, 2, total, "what was held back arrives")
		n.Stop()
		require.ErrorIs(w, ask("charge", charge{1}), sim.ErrUnreachable)
		require.ErrorContains(w, ask("charge", make(chan int)), "does not encode")
	})
	require.Nil(t, failure, trace)
}

// echo is a node that sends every line back, in capitals.
func echo(w *sim.World) *sim.Node {
	return w.Node("echo", func(n *sim.Node) {
		l, err := n.Listen("7")
		require.NoError(w, err)
		n.Go("accept", func(context.Context) {
			for {
				c, err := l.Accept()
				require.NoError(w, err)
				n.Go("connection", func(context.Context) {
					for lines := bufio.NewReader(c); ; {
						line, err := lines.ReadString('\n')
						if err != nil {
							_ = c.Close()
							return
						}
						_, _ = io.WriteString(c, strings.ToUpper(line))
					}
				})
			}
		})
	})
}

// TestConn shows connections: order, end, deadlines, partitions and crashes.
func TestConn(t *testing.T) {
	trace, failure := sim.Run(badNetwork, "", func(w *sim.World) {
		n := echo(w)
		_ = w.Sleep(w.Context(), time.Second)
		dial := func() (net.Conn, *bufio.Reader) {
			c, err := w.Dial(w.Context(), "tcp", "echo:7")
			require.NoError(w, err)
			return c, bufio.NewReader(c)
		}
		c, lines := dial()
		require.Equal(w, "echo:7", c.RemoteAddr().String())
		for i := range 3 {
			_, err := fmt.Fprintf(c, "line %d\n", i)
			require.NoError(w, err)
		}
		for i := range 3 {
			line, err := lines.ReadString('\n')
			require.NoError(w, err)
			require.Equal(w, fmt.Sprintf("LINE %d\n", i), line)
		}
		require.NoError(w, c.SetReadDeadline(w.Now().Add(time.Second)))
		_, err := lines.ReadString('\n')
		require.ErrorIs(w, err, os.ErrDeadlineExceeded)
		require.NoError(w, c.SetDeadline(time.Time{}))

		w.Partition(nil, n)
		_, err = io.WriteString(c, "late\n")
		require.NoError(w, err)
		w.Go("repair", func(ctx context.Context) { _ = w.Sleep(ctx, time.Minute); w.Repair(nil, n) })
		before := w.Now()
		line, err := lines.ReadString('\n')
		require.NoError(w, err)
		require.Equal(w, "LATE\n", line)
		require.Equal(w, time.Minute, w.Now().Sub(before), "a partition only delays a connection")

		w.Go("crash", func(ctx context.Context) { n.Crash() })
		_, err = lines.ReadString('\n')
		require.ErrorIs(w, err, syscall.ECONNRESET)
		_, err = io.WriteString(c, "x")
		require.ErrorIs(w, err, syscall.ECONNRESET)
		_, err = w.Dial(w.Context(), "tcp", "echo:7")
		require.ErrorIs(w, err, syscall.ECONNREFUSED)

		_ = w.Sleep(w.Context(), time.Minute)
		c, _ = dial()
		require.NoError(w, c.Close())
		_, err = c.Read(make([]byte, 1))
		require.ErrorIs(w, err, net.ErrClosed)
		require.ErrorIs(w, c.Close(), net.ErrClosed)
		_, err = w.Dial(w.Context(), "tcp", "nobody:7")
		require.ErrorContains(w, err, "no such node")
		_, err = w.Dial(w.Context(), "udp", "echo:7")
		require.ErrorContains(w, err, "unknown network udp")
		_, err = w.Dial(w.Context(), "tcp", "echo:8")
		require.ErrorIs(w, err, syscall.ECONNREFUSED)
	})
	require.Nil(t, failure, trace)
}

// TestConnBackPressure fills a connection that nobody reads.
func TestConnBackPressure(t *testing.T) {
	trace, failure := sim.Run(badNetwork, "", func(w *sim.World) {
		w.Node("sink", func(n *sim.Node) {
			l, err := n.Listen("9")
			require.NoError(w, err)
			n.Go("accept", func(ctx context.Context) {
				c, err := l.Accept()
				require.NoError(w, err)
				all, err := io.ReadAll(c)
				require.NoError(w, err)
				require.Len(w, all, 10*50<<10)
			})
		})
		_ = w.Sleep(w.Context(), time.Second)
		w.Hold(nil, nil)
		c, err := w.Dial(w.Context(), "tcp", "sink:9")
		require.NoError(w, err)
		for range 10 {
			_, err := c.Write(make([]byte, 50<<10))
			require.NoError(w, err)
		}
		require.NoError(w, c.Close())
		_ = w.Sleep(w.Context(), time.Second)
	})
	require.Nil(t, failure, trace)
}

// TestHTTPHandler serves net/http over a simulated connection, with a client that is a task.
func TestHTTPHandler(t *testing.T) {
	trace, failure := sim.Run(badNetwork, "", func(w *sim.World) {
		w.Node("web", func(n *sim.Node) {
			l, err := n.Listen("80")
			require.NoError(w, err)
			n.Go("serve", func(context.Context) {
				_ = n.ServeHTTP(l, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					_ = w.Sleep(r.Context(), time.Second)
					rw.Header().Set("X-Path", r.URL.Path)
					rw.WriteHeader(http.StatusTeapot)
					_, _ = rw.Write([]byte(strings.ToUpper(string(body))))
				}))
			})
		})
		_ = w.Sleep(w.Context(), time.Second)
		client := w.HTTPClient()
		for range 2 {
			req, err := http.NewRequestWithContext(w.Context(), "POST", "http://web/pot", strings.NewReader("tea"))
			require.NoError(w, err)
			resp, err := client.Do(req)
			require.NoError(w, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(w, err)
			require.NoError(w, resp.Body.Close())
			require.Equal(w, "TEA", string(body))
			require.Equal(w, http.StatusTeapot, resp.StatusCode)
			require.Equal(w, "/pot", resp.Header.Get("X-Path"))
		}
		_, err := client.Get("http://nobody/")
		require.ErrorContains(w, err, "no such node")
	})
	require.Nil(t, failure, trace)
}
