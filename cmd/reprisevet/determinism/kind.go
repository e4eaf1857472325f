package determinism

// A kind groups what breaks replay for the same reason and has the same remedy. It is the category of a
// diagnostic. Kinds that begin with a tilde are marks that summaries carry for other rules; they are
// never reported themselves.
type kind string

const (
	kindClock     kind = "clock"
	kindTimer     kind = "timer"
	kindZone      kind = "zone"
	kindRandom    kind = "random"
	kindSecret    kind = "secret"
	kindUUID      kind = "uuid"
	kindGoroutine kind = "goroutine"
	kindSelect    kind = "select"
	kindChannel   kind = "channel"
	kindLock      kind = "lock"
	kindAtomic    kind = "atomic"
	kindEnv       kind = "environment"
	kindFile      kind = "file"
	kindNetwork   kind = "network"
	kindDatabase  kind = "database"
	kindProcess   kind = "process"
	kindRuntime   kind = "runtime"
	kindOutput    kind = "output"
	kindContext   kind = "context"
	kindOuter     kind = "outercontext"
	kindInStep    kind = "contextinstep"
	kindStepWrite kind = "stepwrite"
	kindMapOrder  kind = "maporder"
	kindGlobal    kind = "global"
	kindSetAtInit kind = "setatinit"
	kindCaptured  kind = "captured"
	kindReceiver  kind = "receiver"
	kindAddress   kind = "address"

	markOperates   kind = "~operates"   // asks the engine for something, in the order of the calls
	markOrders     kind = "~orders"     // what it leaves in memory depends on the order of the calls
	markSorts      kind = "~sorts"      // sorts what a parameter points to
	markWrites     kind = "~writes"     // writes memory that a parameter points to
	markReads      kind = "~reads"      // reads memory that a parameter points to
	markWritesVar  kind = "~writesvar"  // writes a captured variable
	markUsesOuter  kind = "~usesouter"  // uses a Context that it captured
	markUsesHolder kind = "~usesholder" // uses a Context out of a struct that it was given
)

// A remedy says why something breaks replay and what to write instead.
type remedy struct {
	why  string
	use  string
	soft bool // a matter of one program: of no interest inside of other modules
}

const (
	useStep   = "a step (durable.Step), whose result is recorded"
	useBranch = "durable.Go for a branch of the run, and its Future for the result"
	useRand   = "ctx.Rand(), or a step when it must be secret"
	useInput  = "a step to read it once, or the workflow's input"
)

var remedies = map[kind]remedy{
	kindClock: {why: "it reads the wall clock, and replay reads another time", use: "ctx.Now()"},
	kindTimer: {
		why: "it waits for the wall clock, outside of the journal",
		use: "ctx.Sleep, whose deadline is recorded",
	},
	kindZone: {
		why: "it depends on the time zone of the machine, and replay may run on another",
		use: "time.UTC, or a location that is part of the input",
	},
	kindRandom: {why: "replay draws another number", use: useRand},
	kindSecret: {why: "replay draws other random bytes", use: useStep + ", or ctx.Rand() when it is no secret"},
	kindUUID: {
		why: "replay makes another id",
		use: "a step that makes it, or an id derived from ctx.RunID()",
	},
	kindGoroutine: {why: "the Go scheduler decides when it runs", use: useBranch},
	kindSelect:    {why: "it picks at random among what's ready", use: "Futures of durable.Async and Go"},
	kindChannel: {
		why: "it blocks the run outside of the journal, until another goroutine moves",
		use: useBranch,
	},
	kindLock: {
		why:  "it waits for, or shares memory with, other goroutines; the branches of a run take turns",
		use:  "plain variables of the run, and the lock only inside of steps",
		soft: true,
	},
	kindAtomic: {
		why:  "it shares memory with other goroutines, and what it holds is in no journal",
		use:  "plain variables of the run",
		soft: true,
	},
	kindEnv:      {why: "it reads the process's surroundings, and replay may be in another", use: useInput},
	kindFile:     {why: "it touches the file system, which is not the same at replay", use: useStep},
	kindNetwork:  {why: "it talks to the network, again with every replay", use: useStep},
	kindDatabase: {why: "it talks to a database, again with every replay", use: useStep},
	kindProcess:  {why: "it acts on the operating system, again with every replay", use: useStep},
	kindRuntime:  {why: "it depends on the state of the Go runtime", use: useInput},
	kindOutput: {
		why: "every replay writes it again",
		use: "ctx.Logger(), which is silent on replay, or a step that writes it",
	},
	kindContext: {
		why: "it is no part of the run: neither its end nor its time is in the journal",
		use: "durable.Context in workflow code; a step is given a context.Context",
	},
	kindOuter: {
		why: "its operations take the ids of the other branch, so the engine panics",
		use: "the Context that the branch function was given",
	},
	kindInStep: {
		why: "a step runs outside of the workflow, where its Context panics",
		use: "the step's own context.Context, and the step's argument for what it needs",
	},
	kindStepWrite: {
		why: "a replayed step does not run, so the variable stays as it was",
		use: "the step's result",
	},
	kindMapOrder: {
		why: "Go visits a map in another order each time",
		use: "slices.Sorted(maps.Keys(m))",
	},
	kindGlobal: {
		why:  "it is shared by all runs and gone after a crash",
		use:  "variables of the run, the workflow's input, or a step",
		soft: true,
	},
	kindSetAtInit: {
		why: "it was set when the process started, and replay may run in another process",
		use: useInput, soft: true,
	},
	kindCaptured: {
		why: "it outlives the run: all runs share it, and it is gone after a crash",
		use: "variables that the workflow function declares, or a step",
	},
	kindReceiver: {
		why: "all runs of the workflow share its receiver, and it is gone after a crash",
		use: "variables that the workflow function declares, or a step",
	},
	kindAddress: {
		why: "a pointer's address is another one in every process",
		use: "the value that it points to",
	},
}

// mark reports whether the kind only informs other rules.
func (k kind) mark() bool { return k[0] == '~' }

// world reports whether the kind is about something that differs from process to process or from time to
// time, so that a value made from it differs too.
func (k kind) world() bool {
	switch k {
	case kindClock, kindZone, kindRandom, kindSecret, kindUUID, kindEnv, kindFile, kindNetwork, kindDatabase,
		kindProcess, kindRuntime, kindSetAtInit:
		return true
	}
	return false
}
