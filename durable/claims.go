package durable

import "slices"

// claims decide which transactions may commit at the same time. A transaction claims all that it touches at
// once, and waits until every earlier claim that it conflicts with is released; so no two wait for each
// other, and none is overtaken for ever. Its methods are called with Engine.mu held.
type claims struct {
	live   []*claim // in the order in which they were made
	reads  map[string][]*claim
	writes map[string][]*claim
}

// claim is one transaction's.
type claim struct {
	footprint
	waitsFor int      // earlier claims in conflict that are not released
	blocks   []*claim // later ones that wait for this one
	granted  Signal
	released bool
	met      *claim // the latest claim that was compared with this one
}

// footprint is what a transaction touches. Keys are sorted.
type footprint struct {
	reads, writes []string
	ranges        []keyRange
}

// keyRange is a range of keys, to not included; an empty to is the end.
type keyRange struct{ from, to string }

func (r keyRange) has(key string) bool { return key >= r.from && (r.to == "" || key < r.to) }

// request makes a claim. It is granted at once when it waits for none, otherwise when its signal fires.
func (cs *claims) request(f footprint, granted Signal) *claim {
	c := &claim{footprint: f, granted: granted}
	if cs.reads == nil {
		cs.reads, cs.writes = map[string][]*claim{}, map[string][]*claim{}
	}
	for _, key := range f.writes {
		c.waitForAll(cs.reads[key])
		c.waitForAll(cs.writes[key])
	}
	for _, key := range f.reads {
		c.waitForAll(cs.writes[key])
	}
	for _, other := range cs.live {
		if anyIn(other.writes, f.ranges) || anyIn(f.writes, other.ranges) {
			c.waitFor(other)
		}
	}
	cs.live = append(cs.live, c)
	for _, key := range f.reads {
		cs.reads[key] = append(cs.reads[key], c)
	}
	for _, key := range f.writes {
		cs.writes[key] = append(cs.writes[key], c)
	}
	return c
}

func (c *claim) waitForAll(others []*claim) {
	for _, other := range others {
		c.waitFor(other)
	}
}

func (c *claim) waitFor(other *claim) {
	if other.met != c {
		other.met = c
		other.blocks = append(other.blocks, c)
		c.waitsFor++
	}
}

// anyIn reports whether one of the keys is in one of the ranges.
func anyIn(keys []string, ranges []keyRange) bool {
	for _, r := range ranges {
		i, _ := slices.BinarySearch(keys, r.from)
		if i < len(keys) && r.has(keys[i]) {
			return true
		}
	}
	return false
}

// release ends a claim, and returns the signals of those that are granted by that.
func (cs *claims) release(c *claim) (granted []Signal) {
	if c.released {
		return nil
	}
	c.released = true
	cs.live = without(cs.live, c)
	for _, key := range c.reads {
		drop(cs.reads, key, c)
	}
	for _, key := range c.writes {
		drop(cs.writes, key, c)
	}
	for _, other := range c.blocks {
		if other.waitsFor--; other.waitsFor == 0 {
			granted = append(granted, other.granted)
		}
	}
	return granted
}

func without(list []*claim, c *claim) []*claim {
	return slices.DeleteFunc(list, func(other *claim) bool { return other == c })
}

func drop(index map[string][]*claim, key string, c *claim) {
	if rest := without(index[key], c); len(rest) > 0 {
		index[key] = rest
	} else {
		delete(index, key)
	}
}

// waiting returns the signals of all who wait, for an engine that stops.
func (cs *claims) waiting() (signals []Signal) {
	for _, c := range cs.live {
		if c.waitsFor > 0 {
			signals = append(signals, c.granted)
		}
	}
	return signals
}

// covers reports whether what f touches is claimed by c.
func (c *claim) covers(f footprint) bool {
	has := func(key string) bool {
		_, read := slices.BinarySearch(c.reads, key)
		_, written := slices.BinarySearch(c.writes, key)
		return read || written || slices.ContainsFunc(c.ranges, func(r keyRange) bool { return r.has(key) })
	}
	for _, key := range f.reads {
		if !has(key) {
			return false
		}
	}
	for _, key := range f.writes {
		if _, written := slices.BinarySearch(c.writes, key); !written {
			return false
		}
	}
	for _, r := range f.ranges {
		if !slices.ContainsFunc(c.ranges, r.within) {
			return false
		}
	}
	return true
}

// within reports whether the range is a part of another.
func (r keyRange) within(other keyRange) bool {
	return r.from >= other.from && (other.to == "" || r.to != "" && r.to <= other.to)
}

// union is what either touches.
func (f footprint) union(g footprint) footprint {
	merge := func(a, b []string) []string {
		all := append(slices.Clone(a), b...)
		slices.Sort(all)
		return slices.Compact(all)
	}
	return footprint{
		reads: merge(f.reads, g.reads), writes: merge(f.writes, g.writes),
		ranges: append(slices.Clone(f.ranges), g.ranges...),
	}
}
