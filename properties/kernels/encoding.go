package kernels

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// encoding: what is read back is what was written.
func encoding() []Kernel {
	const family = "encoding"
	return []Kernel{{
		Name: "empty taken for absent", Family: family,
		About: "An engine asks whether a step has a result by asking whether the result is empty. A step that " +
			"returns nothing is run again by every recovery. Nil, null, zero and no row have been mixed up " +
			"wherever a checkpoint is optional.",
		Needs: "one crash after a checkpoint", Property: "a recorded step does not run again",
		build: onNodes(emptyTakenForAbsent),
	}, {
		Name: "error that is only its text", Family: family,
		About: "An engine records the error of a step as text. The process that ran it still has the error and " +
			"knows that the card was declined; one that recovers makes a new error of the text, which is " +
			"equal to no other, and raises the alarm. What errors.Is says must survive the journal.",
		Needs: "one crash after a checkpoint", Property: "a declined card raises no alarm",
		build: onNodes(errorAsText),
	}, {
		Name: "fingerprint in order of arrival", Family: family,
		About: "A run is recognised by a fingerprint of its labels, which are put together in the order in which " +
			"they arrived. A recovering process reads them from its store, where they are sorted, and does " +
			"not know its own run. Encodings that range over maps or sets do the same without any crash.",
		Needs: "one early completion, then a crash", Property: "a run is recognised",
		build: onNodes(fingerprintByArrival),
	}, {
		Name: "prefix without a terminator", Family: family,
		About: "When run 1 ends, everything under its id is deleted: all keys that begin with 1, those of run 10 " +
			"among them. It takes ten runs to see it, and two that overlap.",
		Needs: "one early completion", Property: "a timer stays until it fires",
		build: onNodes(prefixWithoutEnd),
	}}
}

func emptyTakenForAbsent(w *sim.World, fixed bool) {
	s := serve(w, "engine", nil)
	s.insist("run", func(context.Context) {
		for _, step := range []string{"warn", "wipe", "report"} {
			result, recorded := s.text(step)
			if fixed && recorded || result != "" {
				continue
			}
			w.Always("a recorded step does not run again", !recorded)
			s.work(step)
			s.put(step, "")
		}
	})
}

var errDeclined = errors.New("declined")

func errorAsText(w *sim.World, fixed bool) {
	s := serve(w, "engine", nil)
	s.insist("run", func(context.Context) {
		err := errDeclined
		if text, recorded := s.text("charge"); !recorded {
			s.work("charge")
			s.put("charge", err.Error())
		} else if !fixed || text != err.Error() {
			err = errors.New(text)
		}
		s.work("look up the customer")
		w.Always("a declined card raises no alarm", errors.Is(err, errDeclined))
	})
}

func fingerprintByArrival(w *sim.World, fixed bool) {
	s := serve(w, "engine", nil)
	s.insist("run", func(ctx context.Context) {
		var labels []string
		all := s.NewSignal()
		have := func(label string) {
			if labels = append(labels, label); len(labels) == 2 {
				all.Fire()
			}
		}
		for _, label := range []string{"blue", "green"} {
			if s.number(label) != 0 {
				have(label)
				continue
			}
			s.ask(label, 0, func() {
				s.put(label, 1)
				have(label)
			})
		}
		_ = all.Wait(ctx)
		if fixed {
			slices.Sort(labels)
		}
		print := strings.Join(labels, ",")
		if known, recorded := s.text("fingerprint"); recorded {
			w.Always("a run is recognised", known == print)
		}
		s.put("fingerprint", print)
		s.work("paint")
	})
}

func prefixWithoutEnd(w *sim.World, fixed bool) {
	s := serve(w, "engine", nil)
	s.clients(func(context.Context) {
		s.work("last step of run 1")
		prefix := "1"
		if fixed {
			prefix = "1/"
		}
		var b store.Batch
		b.DeleteRange([]byte(prefix), []byte(prefix+"\xff"))
		_ = s.st.Commit(&b)
	}, func(context.Context) {
		s.work("first step of run 10")
		s.put("10/timer", 1)
		s.work("wait")
		w.Always("a timer stays until it fires", s.number("10/timer") == 1)
	})
}
