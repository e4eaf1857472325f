package sim_test

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// The database of these tests speaks lines: "set key value", "list", "begin", "commit" and "rollback". It
// answers with a line "row key value" for each row, and then with "ok" or "error text".

// database is a node that keeps what is set in its store.
func database(w *sim.World) *sim.Node {
	return w.Node("db", func(n *sim.Node) {
		l, err := n.Listen("5432")
		require.NoError(w, err)
		s := n.Store()
		n.Go("accept", func(context.Context) {
			for {
				c, err := l.Accept()
				require.NoError(w, err)
				n.Go("session", func(context.Context) {
					defer c.Close()
					session{store: s, conn: c}.serve()
				})
			}
		})
	})
}

// session is the server's end of a connection.
type session struct {
	store store.Store
	conn  net.Conn
	batch store.Batch
	inTx  bool
}

func (s session) serve() {
	for lines := bufio.NewScanner(s.conn); lines.Scan(); {
		rows, err := s.execute(strings.Fields(lines.Text()))
		end := "ok\n"
		if err != nil {
			end = "error " + err.Error() + "\n"
		}
		if _, err := io.WriteString(s.conn, rows+end); err != nil {
			return
		}
	}
}

func (s *session) execute(words []string) (rows string, err error) {
	switch words[0] {
	case "begin":
		s.inTx = true
	case "rollback":
		s.inTx = false
		s.batch.Reset()
	case "set":
		s.batch.Set([]byte(words[1]), []byte(words[2]))
		if s.inTx {
			break
		}
		fallthrough
	case "commit":
		err = s.store.Commit(&s.batch)
		s.inTx = false
		s.batch.Reset()
	case "list":
		err = s.store.Scan(nil, nil, func(key, value []byte) bool {
			rows += fmt.Sprintf("row %s %s\n", key, value)
			return true
		})
	default:
		err = errors.New("what is " + words[0] + "?")
	}
	return rows, err
}

// sqlConnector dials the database for package sql.
type sqlConnector struct{ world *sim.World }

func (c sqlConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.world.Dial(ctx, "tcp", "db:5432")
	if err != nil {
		return nil, err
	}
	return &sqlConn{conn: conn, lines: bufio.NewReader(conn)}, nil
}

func (c sqlConnector) Driver() driver.Driver { return nil }

// sqlConn is a connection of the driver. It takes its deadlines from contexts, and starts nothing.
type sqlConn struct {
	conn   net.Conn
	lines  *bufio.Reader
	broken bool
}

type sqlArgs = []driver.NamedValue

// ask sends a line and reads the whole answer.
func (c *sqlConn) ask(ctx context.Context, line string, args sqlArgs) (rows [][]string, err error) {
	for _, a := range args {
		line = strings.Replace(line, "?", fmt.Sprint(a.Value), 1)
	}
	by, _ := ctx.Deadline()
	_ = c.conn.SetDeadline(by)
	if _, err := io.WriteString(c.conn, line+"\n"); err != nil {
		return nil, driver.ErrBadConn // nothing was sent, package sql may try another connection
	}
	for {
		answer, err := c.lines.ReadString('\n')
		if err != nil {
			c.broken = true
			return nil, err
		}
		kind, rest, _ := strings.Cut(strings.TrimSpace(answer), " ")
		switch kind {
		case "ok":
			return rows, nil
		case "error":
			return nil, errors.New(rest)
		}
		rows = append(rows, strings.Fields(rest))
	}
}

func (c *sqlConn) IsValid() bool { return !c.broken }
func (c *sqlConn) Close() error  { return c.conn.Close() }

func (c *sqlConn) ExecContext(ctx context.Context, q string, args sqlArgs) (driver.Result, error) {
	_, err := c.ask(ctx, q, args)
	return driver.ResultNoRows, err
}

func (c *sqlConn) QueryContext(ctx context.Context, q string, args sqlArgs) (driver.Rows, error) {
	rows, err := c.ask(ctx, q, args)
	return &sqlRows{rows}, err
}

func (c *sqlConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	_, err := c.ask(ctx, "begin", nil)
	return sqlTx{c}, err
}

func (c *sqlConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *sqlConn) Prepare(query string) (driver.Stmt, error) { return sqlStmt{c, query}, nil }

type sqlTx struct{ c *sqlConn }

func (t sqlTx) end(how string) error {
	_, err := t.c.ask(context.Background(), how, nil)
	return err
}
func (t sqlTx) Commit() error   { return t.end("commit") }
func (t sqlTx) Rollback() error { return t.end("rollback") }

type sqlStmt struct {
	c     *sqlConn
	query string
}

func (s sqlStmt) Close() error  { return nil }
func (s sqlStmt) NumInput() int { return strings.Count(s.query, "?") }

func (s sqlStmt) ExecContext(ctx context.Context, args sqlArgs) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.query, args)
}

func (s sqlStmt) QueryContext(ctx context.Context, args sqlArgs) (driver.Rows, error) {
	return s.c.QueryContext(ctx, s.query, args)
}

func (s sqlStmt) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (s sqlStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }

// sqlRows is a whole answer, so that closing it needs no connection.
type sqlRows struct{ rows [][]string }

func (r *sqlRows) Columns() []string { return []string{"key", "value"} }
func (r *sqlRows) Close() error      { return nil }

func (r *sqlRows) Next(to []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	for i, field := range r.rows[0] {
		to[i] = field
	}
	r.rows = r.rows[1:]
	return nil
}

// list reads everything that the database holds.
func list(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, "list")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		all[key] = value
	}
	return all, rows.Err()
}

// TestSQL runs package sql over the simulated network: statements, transactions and the pool.
func TestSQL(t *testing.T) {
	trace, failure := sim.Run(badNetwork, "", func(w *sim.World) {
		database(w)
		_ = w.Sleep(w.Context(), time.Second)
		ctx := w.Context()
		db := sql.OpenDB(sqlConnector{w})
		_, err := db.ExecContext(ctx, "set apples ?", 3)
		require.NoError(w, err)
		_, err = db.ExecContext(ctx, "drop table")
		require.EqualError(w, err, "what is drop?")

		stmt, err := db.PrepareContext(ctx, "set ? ?")
		require.NoError(w, err)
		_, err = stmt.ExecContext(ctx, "pears", 4)
		require.NoError(w, err)
		require.NoError(w, stmt.Close())

		for _, end := range []func(*sql.Tx) error{(*sql.Tx).Rollback, (*sql.Tx).Commit} {
			tx, err := db.BeginTx(ctx, nil)
			require.NoError(w, err)
			_, err = tx.ExecContext(ctx, "set apples 5")
			require.NoError(w, err)
			all, err := list(ctx, db) // over another connection
			require.NoError(w, err)
			require.Equal(w, map[string]string{"apples": "3", "pears": "4"}, all)
			require.NoError(w, end(tx))
		}
		var key, value string
		require.NoError(w, db.QueryRowContext(ctx, "list").Scan(&key, &value))
		require.Equal(w, "apples 5", key+" "+value)

		require.Equal(w, 2, db.Stats().OpenConnections)
		require.NoError(w, db.Close())
		_, err = list(ctx, db)
		require.ErrorContains(w, err, "database is closed")
	})
	require.Nil(t, failure, trace)
}

// TestSQLFaults shows what package sql makes of a server that crashes and of one that can't be reached.
func TestSQLFaults(t *testing.T) {
	trace, failure := sim.Run(badNetwork, "", func(w *sim.World) {
		n := database(w)
		_ = w.Sleep(w.Context(), time.Second)
		db := sql.OpenDB(sqlConnector{w})
		set := func(value int) error {
			_, err := db.ExecContext(w.Context(), "set k ?", value)
			return err
		}
		require.NoError(w, set(1))

		w.Go("crash", func(context.Context) { n.Crash() })
		require.ErrorIs(w, set(2), syscall.ECONNRESET, "the connection breaks under a statement")
		require.ErrorIs(w, set(3), syscall.ECONNREFUSED, "the server is down")
		_ = w.Sleep(w.Context(), time.Minute)
		require.NoError(w, set(4), "package sql dials again")
		n.Crash()
		_ = w.Sleep(w.Context(), time.Minute)
		require.NoError(w, set(5), "a connection that broke in the pool is replaced unnoticed")
		tx, err := db.BeginTx(w.Context(), nil)
		require.NoError(w, err)
		_, err = tx.ExecContext(w.Context(), "set k 6")
		require.NoError(w, err)
		n.Crash()
		_ = w.Sleep(w.Context(), time.Minute)
		require.ErrorIs(w, tx.Commit(), driver.ErrBadConn)

		w.Partition(nil, n)
		before := w.Now()
		ctx, cancel := w.WithTimeout(w.Context(), 10*time.Second)
		_, err = list(ctx, db)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.Equal(w, 10*time.Second, w.Now().Sub(before), "deadlines are in virtual time")
		cancel()
		w.Go("repair", func(ctx context.Context) { _ = w.Sleep(ctx, time.Minute); w.Repair(nil, n) })
		all, err := list(w.Context(), db)
		require.NoError(w, err)
		require.Equal(w, map[string]string{"k": "5"}, all, "what was not committed is not there")
		require.Equal(w, 70*time.Second, w.Now().Sub(before), "the statement outlasts the partition")

		w.Partition(nil, n)
		ctx, cancel = w.WithTimeout(w.Context(), 10*time.Second)
		_, err = list(ctx, db)
		require.ErrorIs(w, err, os.ErrDeadlineExceeded, "the driver's connection is open, its answer late")
		cancel()
		w.Repair(nil, n)
		require.NoError(w, db.Close())
	})
	require.Nil(t, failure, trace)
}

// TestSQLSweep transfers between two keys, from several tasks and a node of their own, while everything
// breaks: transactions stay whole, and each seed runs alike every time.
func TestSQLSweep(t *testing.T) {
	cfg := sim.Config{
		Disk: store.NewMemoryDisk, Faults: fault.MustParse("crash 1%; torn 1%; slow 5%; partition 1%"),
	}
	committed, failed := 0, 0
	for seed := range uint64(30) {
		trace, _, failure := sim.RunSeed(cfg, seed, func(w *sim.World) {
			database(w)
			clients := w.Node("clients", func(n *sim.Node) {
				db := sql.OpenDB(sqlConnector{w}) // a pool belongs to one incarnation
				for i := range 3 {
					n.Go(fmt.Sprint("client ", i), func(ctx context.Context) {
						for round := range 5 {
							_ = w.Sleep(ctx, time.Second)
							if transfer(ctx, w, db, 10*i+round) == nil {
								committed++
							} else {
								failed++
							}
						}
					})
				}
			})
			_ = w.Sleep(w.Context(), time.Hour)
			w.StopFaults()
			require.NoError(w, clients.Call(w.Context(), "check", func(ctx context.Context) error {
				db := sql.OpenDB(sqlConnector{w})
				defer db.Close()
				all, err := list(ctx, db)
				w.Always("a transaction is whole", all["a"] == all["b"], fmt.Sprint(all))
				return err
			}))
		})
		require.Nil(t, failure, "seed %d: %s", seed, trace)
	}
	require.Positive(t, committed)
	require.Positive(t, failed)
}

// transfer sets two keys in one transaction.
func transfer(parent context.Context, w *sim.World, db *sql.DB, value int) error {
	ctx, cancel := w.WithTimeout(parent, time.Minute)
	defer cancel()
	tx, err := db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, key := range []string{"a", "b"} {
		if _, err := tx.ExecContext(ctx, "set ? ?", key, value); err != nil {
			return err
		}
	}
	return tx.Commit()
}
