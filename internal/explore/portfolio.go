package explore

import "strings"

// Portfolio returns the strategy that takes a run from each of the given ones in turn, and leaves out those
// that have none to give. It ends when all have ended.
func Portfolio(strategies ...Strategy) Strategy { return &portfolio{all: strategies} }

type portfolio struct {
	all    []Strategy
	turn   int
	handed int
}

func (p *portfolio) Name() string {
	names := make([]string, len(p.all))
	for i, s := range p.all {
		names[i] = s.Name()
	}
	return strings.Join(names, "+")
}

func (p *portfolio) Next() (Run, bool) {
	for range p.all {
		s := p.all[p.turn%len(p.all)]
		p.turn++
		inner, ok := s.Next()
		if !ok {
			continue
		}
		run := inner
		run.Number, run.owner, run.inner = p.handed, s, &inner
		p.handed++
		return run, true
	}
	return Run{}, false
}

func (p *portfolio) Done(run Run, result Result) { run.owner.Done(*run.inner, result) }

func (p *portfolio) Coverage() string {
	lines := make([]string, len(p.all))
	for i, s := range p.all {
		lines[i] = s.Coverage()
	}
	return strings.Join(lines, "\n")
}
