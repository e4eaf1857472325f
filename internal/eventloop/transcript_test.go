package eventloop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/clock"
	"github.com/reprise-dst/reprise/internal/eventloop"
	"github.com/reprise-dst/reprise/internal/golden"
)

// TestTranscripts plays the scripts in testdata/*.txt and compares what happens, and when, with what is
// written there. Each file has cases, separated by lines of "====". A case is a comment, a script and,
// below "----", what happened. After a change that is meant to change the order of events, run
//
//	go test ./internal/eventloop -run TestTranscripts -update
//
// and read the difference.
//
// A script has one block per task, which the loop starts in the order of the blocks:
//
//	task a
//	  sleep 1s
//	  await b
//	later c      (a task that only "start c" starts)
//
// and before the blocks, what the tasks share: "chan c 2", "queue q 0", "semaphore s 1", "loop last" for a
// loop that picks the last entry of the ready queue. The verbs are in transcript_verbs_test.go. A verb that
// fails prints its error and the script goes on; with "must" before it, the task returns the error.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		name := filepath.Base(path)
		t.Run(strings.TrimSuffix(name, ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			var played []string
			for part := range strings.SplitSeq(string(text), "\n====\n") {
				script, _, _ := strings.Cut(part+"\n", "\n----\n")
				script = strings.Trim(script, "\n")
				played = append(played, script+"\n----\n"+play(t, script))
			}
			golden.Assert(t, name, strings.Join(played, "\n====\n")+"\n")
		})
	}
}

// stage is what one case plays on.
type stage struct {
	t       *testing.T
	l       *eventloop.Loop
	clock   *clock.Virtual
	start   time.Time
	scripts map[string][]string
	futures map[string]*eventloop.Future[string]
	chans   map[string]*eventloop.Chan[string]
	queues  map[string]*eventloop.Queue[string]
	sems    map[string]*eventloop.Semaphore
	mutexes map[string]*eventloop.Mutex
	conds   map[string]*eventloop.Cond
	groups  map[string]*eventloop.WaitGroup
	events  map[string]*eventloop.Event
	timers  map[string]*eventloop.Timer
	out     strings.Builder
}

func play(t *testing.T, script string) string {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &stage{
		t: t, l: eventloop.New(), clock: clock.NewVirtual(start), start: start,
		scripts: map[string][]string{},
		futures: map[string]*eventloop.Future[string]{},
		chans:   map[string]*eventloop.Chan[string]{},
		queues:  map[string]*eventloop.Queue[string]{},
		sems:    map[string]*eventloop.Semaphore{},
		mutexes: map[string]*eventloop.Mutex{},
		conds:   map[string]*eventloop.Cond{},
		groups:  map[string]*eventloop.WaitGroup{},
		events:  map[string]*eventloop.Event{},
		timers:  map[string]*eventloop.Timer{},
	}
	s.l.SetClock(s.clock)
	defer s.l.Close()
	for _, name := range s.parse(script) {
		s.spawn(name)
	}
	s.report(s.l.Drive(s.clock.Advance, 1000))
	return strings.TrimRight(s.out.String(), "\n")
}

// parse reads the blocks and returns the tasks to start.
func (s *stage) parse(script string) (tasks []string) {
	var block string
	for line := range strings.SplitSeq(script, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case strings.HasPrefix(line, " "):
			s.scripts[block] = append(s.scripts[block], strings.TrimSpace(line))
		case words[0] == "task" || words[0] == "later":
			block = words[1]
			s.scripts[block] = nil
			if words[0] == "task" {
				tasks = append(tasks, block)
			}
		case words[0] == "chan":
			s.chans[words[1]] = eventloop.NewChan[string](s.l, words[1], s.number(words[2]))
		case words[0] == "queue":
			s.queues[words[1]] = eventloop.NewQueue[string](s.l, words[1], s.number(words[2]))
		case words[0] == "semaphore":
			s.sems[words[1]] = eventloop.NewSemaphore(s.l, words[1], s.number(words[2]))
		case line == "loop last":
			s.l.SetPicker(func(ready int) int { return ready - 1 })
		default:
			s.t.Fatalf("no such line in a script: %q", line)
		}
	}
	return tasks
}

func (s *stage) number(word string) int {
	n, err := strconv.Atoi(word)
	require.NoError(s.t, err)
	return n
}

func (s *stage) duration(word string) time.Duration {
	d, err := time.ParseDuration(word)
	require.NoError(s.t, err)
	return d
}

// spawn starts the script of that name as a task, whose value is the last "return".
func (s *stage) spawn(name string) {
	lines, ok := s.scripts[name]
	require.True(s.t, ok, "no task %q in the script", name)
	s.futures[name] = eventloop.Start(s.l, name, func() (string, error) {
		defer s.say(name, "ends")
		for _, line := range lines {
			switch verb, rest, _ := strings.Cut(line, " "); verb {
			case "return":
				return rest, nil
			case "fail":
				return "", fmt.Errorf("%s", rest)
			case "must":
				if err := s.do(name, rest); err != nil {
					return "", err
				}
			default:
				_ = s.do(name, line)
			}
		}
		return "", nil
	})
}

// do plays one line.
func (s *stage) do(who, line string) error {
	words := strings.Fields(line)
	verb, ok := verbs[words[0]]
	require.True(s.t, ok, "no verb %q in a script", words[0])
	result, err := verb(s, who, words[1:])
	switch {
	case err != nil:
		s.say(who, "%s: error: %s", line, firstLine(err))
	case result != "":
		s.say(who, "%s: %s", line, result)
	}
	return err
}

func (s *stage) say(who, format string, args ...any) {
	at := s.clock.Now().Sub(s.start).String()
	fmt.Fprintf(&s.out, "%-7s %-5s %s\n", "+"+at, who, fmt.Sprintf(format, args...))
}

// report prints how it ended, without positions, which would be those of this file.
func (s *stage) report(err error) {
	switch e := err.(type) {
	case *eventloop.DeadlockError:
		for i := range e.Waiting {
			require.Contains(s.t, e.Waiting[i].At.String(), "transcript_verbs_test.go")
			e.Waiting[i].At = eventloop.Place{}
		}
	case *eventloop.LivelockError:
		for i := range e.Ready {
			e.Ready[i].At = eventloop.Place{}
		}
	}
	if err != nil {
		fmt.Fprintln(&s.out, err)
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
