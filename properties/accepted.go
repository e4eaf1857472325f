package properties

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/reprise-dst/reprise/store"
)

// letter is a message that was accepted from a client.
type letter struct{ run, topic, id string }

// answer is what an update was answered with: its key in the store, and the encoded result.
type answer struct{ run, key, result string }

// kept looks for what clients were told: messages that were accepted, answers to updates.
func (one *played) kept(st store.Store) {
	for _, l := range one.letters {
		mark := []byte("r" + l.run + "\x00i" + l.topic + "\x00" + l.id)
		if _, found, err := st.Get(mark); err != nil || !found {
			one.broke(l.run, fmt.Sprintf("message %q of topic %q was accepted, the store has no sign of it (%v)",
				l.id, l.topic, err))
		}
		r := one.watch.run(l.run)
		if !r.ended && !r.again && !r.letters[l.topic+"\x00"+l.id] && !l.waits(st) {
			one.broke(l.run, fmt.Sprintf("message %q of topic %q was accepted; it was not received and is not in the "+
				"mailbox", l.id, l.topic))
		}
	}
	for _, a := range one.answers {
		value, found, err := st.Get([]byte(a.key))
		if err != nil || !found || !strings.HasSuffix(string(value), "r"+a.result) {
			one.broke(a.run, fmt.Sprintf("an update was answered with %s, the store has %q (%v)",
				a.result, value, err))
		}
	}
}

// waits reports whether the message lies in the run's mailbox.
func (l letter) waits(st store.Store) (found bool) {
	box := []byte("q" + l.run + "\x00m" + l.topic + "\x00")
	_ = st.Scan(box, append(bytes.Clone(box), 0xff), func(_, value []byte) bool {
		found = found || bytes.Contains(value, []byte(l.id))
		return !found
	})
	return found
}

// endsAs compares how a run ended with what a client was told before.
func (one *played) endsAs(d *Did) {
	for _, was := range one.ends {
		if was.Run == d.Run {
			told, now := fmt.Sprint(was.Answer, was.Err), fmt.Sprint(d.Answer, d.Err)
			if told != now {
				one.broke(d.Run, "told   "+told, "later  "+now)
			}
			return
		}
	}
	one.ends = append(one.ends, d)
}

func (one *played) broke(run string, what ...string) {
	if !one.watch.run(run).deleted {
		one.watch.world.Fail(AckDurable, one.watch.subject(run), what...)
	}
}
