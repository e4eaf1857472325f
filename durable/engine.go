package durable

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/reprise-dst/reprise/store"
)

// Config says what an engine runs on. Store is required; everything else has a default.
type Config struct {
	// Store holds everything that must survive. The engine does not close it.
	Store store.Store
	// Workflows are the definitions that the engine can run.
	Workflows []Definition
	// Queues are those whose items the engine starts.
	Queues []QueueDefinition
	// Host is where the engine lives; NewHost() when nil.
	Host Host
	// Codec encodes inputs, arguments and results; JSON() when nil.
	Codec Codec
	// Interceptors stand around what the engine does, the first outermost.
	Interceptors []Interceptor
	// Logger is where Context.Logger and Logger write; slog.Default() when nil.
	Logger *slog.Logger
	// Retention is how long runs are kept that have ended, and then deleted; 0 keeps them. Runs that ended
	// while no retention was set are kept.
	Retention time.Duration
	// Recoveries is how often in a row a run may be recovered whose process then ends before the run has come
	// as far as its steps or its next journal entry. Then the run is parked with a *RecoveryError until Resume.
	// What an Open finds in the store counts: steps to run, timers that are due, messages, ends of children.
	// What a client asks for itself (Start, Update, Cancel) is nowhere until the run has answered; a client
	// that asks for ever for what ends the process is not stopped. 0: 100.
	Recoveries int
	// Warm is how many runs that only wait stay in memory, so that their next event needs no replay: those
	// that had an event last. 0: 256. Negative: a run leaves the memory as soon as it waits.
	Warm int
	// Cold evicts a run after each of its events, and loads it again by replay for the next: for tests, to
	// see that what comes from the journal is what was in memory.
	Cold bool
}

// Engine runs workflows durably on a store. Open makes one; its methods may be called from many tasks.
type Engine struct {
	cfg   Config
	store store.Store
	host  Host
	codec Codec
	hooks interceptors
	defs  map[string]definition
	owner []byte // this engine's epoch, which every commit requires

	opened time.Time // what was due then, an earlier engine may have seen

	mu        sync.Mutex // never held over a call of store or host
	runs      map[string]*run
	parked    map[string]error
	paused    map[string]bool
	futile    map[string]int      // how often runs were recovered in vain so far, as the store has it
	kept      map[string]bool     // runs for which results of steps may have been kept
	shelved   map[string]bool     // runs that the store says are parked
	waiters   map[string]Signal   // fired when the run ends or is parked
	stoppers  map[string][]Signal // fired when the run may have seen that it is to end
	watchers  map[string]*watching
	updates   map[string][]*asked // that clients wait for, by run
	steps     map[stepKey]*underWay
	inflight  map[string]int  // steps under way of a run
	forgiven  map[string]bool // runs whose interruptions are counted anew, see Resume
	claims    claims          // of transactions
	warm      warm
	pumps     map[string]*pump
	timers    timers
	letters   uint64 // that this engine has accepted
	closing   bool
	cancelled bool   // the contexts of steps are cancelled
	failure   error  // the store failed or was taken over: nothing goes on
	busy      int    // steps under way and runs being driven
	idle      Signal // fired when busy falls to 0, once Close waits for that
	room      Signal // fired when busy falls to half of maxBusy
	halted    Signal
}

// Open makes an engine on a store and recovers its unfinished runs: those with steps to run go on at once,
// in the background; those that only wait stay where they are. A run that can't go on is parked, it does
// not keep the engine from opening. When another engine is open on the same store, this one takes over and
// the other stops with ErrFenced at its next commit.
func Open(cfg Config) (*Engine, error) {
	if cfg.Store == nil {
		return nil, errors.New("durable.Open: Config.Store is nil; open one with store.OpenPebble")
	}
	if cfg.Retention < 0 {
		return nil, fmt.Errorf("durable.Open: Config.Retention is %v; give it an age, or 0 to keep all runs",
			cfg.Retention)
	}
	if cfg.Recoveries < 0 {
		return nil, fmt.Errorf("durable.Open: Config.Recoveries is %d; give it 1 or more, or 0 for %d",
			cfg.Recoveries, maxRecoveries)
	}
	if cfg.Host == nil {
		cfg.Host = NewHost()
	}
	if cfg.Codec == nil {
		cfg.Codec = JSON()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	e := &Engine{
		cfg: cfg, store: cfg.Store, host: cfg.Host, codec: cfg.Codec, hooks: cfg.Interceptors,
		defs: map[string]definition{}, runs: map[string]*run{}, parked: map[string]error{},
		paused: map[string]bool{}, futile: map[string]int{}, kept: map[string]bool{},
		waiters: map[string]Signal{}, stoppers: map[string][]Signal{}, watchers: map[string]*watching{},
		shelved: map[string]bool{},
		updates: map[string][]*asked{}, steps: map[stepKey]*underWay{}, inflight: map[string]int{},
		forgiven: map[string]bool{}, pumps: map[string]*pump{},
		opened: cfg.Host.Now(), halted: cfg.Host.NewSignal(),
	}
	if err := e.defineAll(); err != nil {
		return nil, err
	}
	fresh, err := e.takeOver()
	if err != nil {
		return nil, err
	}
	e.host.Go("durable engine", e.guard)
	if fresh {
		return e, nil
	}
	return e, e.recover()
}

// defineAll registers the workflows and the queues. Several queues may be of the same workflow.
func (e *Engine) defineAll() error {
	definitions := e.cfg.Workflows
	for _, q := range e.cfg.Queues {
		w, err := e.serve(q)
		if err != nil {
			return err
		}
		if !slices.Contains(definitions, w) {
			definitions = append(definitions[:len(definitions):len(definitions)], w)
		}
	}
	for _, d := range definitions {
		def, err := defined(d)
		if err != nil {
			return fmt.Errorf("durable.Open: Config.Workflows: %w", err)
		}
		if _, twice := e.defs[def.name]; twice {
			return fmt.Errorf("durable.Open: Config.Workflows has two workflows named %q; "+
				"a journal knows its workflow by that name, so give each its own", def.name)
		}
		def.log = e.cfg.Logger.Handler()
		e.defs[def.name] = def
	}
	return nil
}

// takeOver makes this engine the owner of the store. fresh means that it is the first: nothing is to recover.
func (e *Engine) takeOver() (fresh bool, err error) {
	old, found, err := e.store.Get(keyOwner)
	if err != nil {
		return false, fmt.Errorf("durable.Open: reading the store: %w", err)
	}
	var b store.Batch
	epoch := uint64(1)
	if found {
		if len(old) != 8 {
			return false, fmt.Errorf("durable.Open: %w: the store's owner is %x", ErrDamaged, old)
		}
		epoch = binary.BigEndian.Uint64(old) + 1
		b.RequireValue(keyOwner, old)
	} else {
		b.RequireAbsent(keyOwner)
	}
	e.owner = binary.BigEndian.AppendUint64(nil, epoch)
	b.Set(keyOwner, e.owner)
	if err := e.store.Commit(&b); err != nil {
		return false, fmt.Errorf("durable.Open: taking over the store: %w", err)
	}
	return !found, nil
}

// recover loads the runs that have steps to run, and arms the timers.
func (e *Engine) recover() error {
	if err := e.recoverMarks(); err != nil {
		return err
	}
	var ids []string
	err := e.store.Scan([]byte{tableActive}, []byte{tableActive + 1}, func(key, _ []byte) bool {
		ids = append(ids, runOf(key))
		return true
	})
	if err != nil {
		return fmt.Errorf("durable.Open: reading the unfinished runs: %w", err)
	}
	active := ids
	for _, id := range sortedIDs(e.shelved) { // those that were parked are tried again
		if _, both := slices.BinarySearch(active, id); !both {
			ids = append(ids, id)
		}
	}
	if ids, err = e.countRecoveries(&store.Batch{}, ids); err != nil {
		return fmt.Errorf("durable.Open: counting the recoveries of runs: %w", err)
	}
	for _, id := range ids {
		e.wake(id, nil)
	}
	if err := e.recoverMail(); err != nil {
		return err
	}
	e.recoverLanes()
	if err := e.armSchedules(); err != nil {
		return err
	}
	return e.armTimers()
}

// guard lives as long as the engine. When the engine's process dies in simulation, the guard is unwound
// with it and takes the branches of all runs along; after Close it does so in an orderly way.
func (e *Engine) guard(ctx context.Context) {
	orderly := false
	defer func() { e.abandon(orderly) }()
	e.halted.Wait(ctx)
	orderly = true
}

// abandon unwinds the branches of the loaded runs; orderly leaves alone those that a task still drives.
func (e *Engine) abandon(orderly bool) {
	e.mu.Lock()
	var left []*run
	for _, r := range e.runs { //tidy:unordered sorted below
		if r.machine != nil && (!orderly || !r.driven) {
			left = append(left, r)
			delete(e.runs, r.id) // a step of it that ends late is dropped
		}
	}
	e.mu.Unlock()
	slices.SortFunc(left, func(a, b *run) int { return strings.Compare(a.id, b.id) })
	for _, r := range left {
		r.machine.close()
	}
}

// fail stops the engine for good: its store failed, or belongs to another engine now.
func (e *Engine) fail(cause error) error {
	var conflict *store.ConflictError
	switch {
	case errors.As(cause, &conflict) && isUserKey(conflict.Key):
		cause = fmt.Errorf("%w: something other than this engine writes where transactions do: %w",
			ErrFailed, cause)
	case conflict != nil:
		cause = fmt.Errorf("%w: %w", ErrFenced, cause)
	default:
		cause = fmt.Errorf("%w: %w", ErrFailed, cause)
	}
	e.mu.Lock()
	if e.failure == nil {
		e.failure = cause
	}
	cause = e.failure
	signals := e.takeWaiters()
	e.mu.Unlock()
	for _, s := range signals {
		s.Fire()
	}
	return cause
}

// failed returns why the engine stopped, nil while it works.
func (e *Engine) failed() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failure
}

// takeWaiters returns everyone who waits for a run, sorted by run; the caller holds the lock.
func (e *Engine) takeWaiters() []Signal {
	var signals []Signal
	ids := make([]string, 0, len(e.waiters))
	for id := range e.waiters { //tidy:unordered sorted below
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		signals = append(signals, e.waiters[id])
	}
	clear(e.waiters)
	for _, id := range sortedIDs(e.stoppers) {
		signals = append(signals, e.stoppers[id]...)
	}
	clear(e.stoppers)
	for _, id := range sortedIDs(e.watchers) {
		signals = append(signals, e.watchers[id].signal)
	}
	clear(e.watchers)
	for _, id := range sortedIDs(e.updates) {
		signals = append(signals, e.takeClients(id)...)
	}
	signals = append(signals, e.claims.waiting()...)
	for _, id := range sortedIDs(e.runs) {
		signals = append(signals, e.runs[id].starters...)
		e.runs[id].starters = nil
	}
	return signals
}

// usable says why the engine can't take work, nil when it can; the caller holds the lock.
func (e *Engine) usable() error {
	if e.failure != nil {
		return e.failure
	}
	if e.closing {
		return ErrClosed
	}
	return nil
}

// enter begins a call from outside, which Close waits for until its end, or says why the engine can't take
// it.
func (e *Engine) enter(ctx context.Context) error {
	if err := errors.Join(e.missing(), context.Cause(ctx)); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.usable()
	if err == nil {
		e.begin()
	}
	return err
}

// begin and end count what Close has to wait for; the caller of begin holds the lock.
func (e *Engine) begin() { e.busy++ }

func (e *Engine) end() {
	e.mu.Lock()
	e.busy--
	var idle, room Signal
	if e.busy == 0 {
		idle = e.idle
	}
	if e.busy <= maxBusy/2 || e.failure != nil {
		room, e.room = e.room, nil
	}
	e.mu.Unlock()
	if idle != nil {
		idle.Fire()
	}
	if room != nil {
		room.Fire()
	}
}

// Parked lists the runs that can't go on, sorted by id, with the reasons.
func (e *Engine) Parked() []*ParkedError {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []*ParkedError
	for _, id := range sortedIDs(e.parked) {
		list = append(list, &ParkedError{Run: id, Cause: e.parked[id]})
	}
	return list
}
