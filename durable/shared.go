package durable

import (
	"fmt"
	"strconv"
)

// shared is what channels, locks and their like have in common: they belong to one run.
type shared struct {
	m          *machine
	kind, name string
}

func share(b *branch, kind, name string) shared {
	if err := checkID(kind+"'s name", name); err != nil {
		panic(err.Error())
	}
	return shared{b.m, kind, name}
}

// in checks that the branch is one of the same run.
func (s shared) in(b *branch, call string) *branch {
	switch {
	case s.m == nil:
		panic("durable: " + call + " was called on a zero value; make one with its New function")
	case s.m != b.m:
		panic(fmt.Sprintf("durable: %s was called on %s of another run (%s); runs share nothing but messages",
			call, s, s.m.run))
	}
	return b
}

// String says which it is, for reports.
func (s shared) String() string { return s.kind + " " + strconv.Quote(s.name) }

// wanted is a wait for something of something.
type wanted struct {
	what string
	of   fmt.Stringer
}

// String says what is waited for.
func (w wanted) String() string { return w.what + " " + w.of.String() }
