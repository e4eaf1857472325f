package durable

import "container/list"

// defaultWarm is how many runs that wait stay in memory unless Config.Warm says otherwise.
const defaultWarm = 256

// warm is the runs that wait and are in memory nevertheless, those that have waited longest first.
type warm struct{ list.List }

// add puts a run at the end, as the one that has waited shortest.
func (w *warm) add(r *run) { r.warm = w.PushBack(r) }

// remove takes a run out, if it is in.
func (w *warm) remove(r *run) {
	if r.warm != nil {
		w.Remove(r.warm)
		r.warm = nil
	}
}

// rest lets a run wait that has nothing to do, and returns the run that leaves the memory for it, if any. The
// caller holds the lock, and closes that run's machine after it.
func (e *Engine) rest(r *run) (evicted *run) {
	limit := e.cfg.Warm
	if limit == 0 {
		limit = defaultWarm
	}
	if r.machine == nil || e.cfg.Cold || limit < 0 {
		delete(e.runs, r.id)
		return r
	}
	e.warm.add(r)
	if e.warm.Len() <= limit {
		return nil
	}
	evicted = e.warm.Front().Value.(*run)
	e.warm.remove(evicted)
	delete(e.runs, evicted.id)
	return evicted
}
