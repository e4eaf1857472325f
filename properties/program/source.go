package program

import (
	_ "embed" // for the file of support
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// String is the program as the Go code that one would write for it: a definition of each workflow, after
// those of its children. What it uses and does not declare, such as the step work, is in Source.
func (p Program) String() string {
	named := map[*Op]string{}
	var texts []string
	p.each(isHandler, func(number int, op *Op) { named[op] = updateName(number) })
	p.each(isChild, func(number int, op *Op) { named[op] = childName(number) })
	p.each(isChild, func(number int, op *Op) {
		text := definition(childName(number), op.Body, named)
		if op.Verb == "queued" {
			const queue = "\nvar %[1]s = durable.NewQueue(%[1]q, %[2]s, oneByOne)\n"
			text += fmt.Sprintf(queue, queueName(number), named[op])
		}
		texts = append(texts, text)
	})
	slices.Reverse(texts)
	return strings.Join(append(texts, definition("program", p, named)), "\n")
}

// GoString is String, for rapid, which prints what it has drawn.
func (p Program) GoString() string { return "\n" + p.String() }

//go:embed support.go.txt
var support string

// Source is the program as a file of package pkg, with what its workflows use.
func (p Program) Source(pkg string) string {
	return "package " + pkg + "\n" + support + "\n" + p.String()
}

// definition is the code of one workflow.
func definition(name string, body Program, numbered map[*Op]string) string {
	w := &writer{numbered: numbered, depth: 1}
	w.body(nil, body)
	code := w.String()
	var b strings.Builder
	const head = "var %[1]s = durable.Define(%[1]q, func(ctx durable.Context, in int) (string, error) {\n"
	fmt.Fprintf(&b, head, name)
	b.WriteString("\tvar log []string\n")
	for _, shared := range []struct{ use, declare string }{
		{"failed = ", "var failed error"},
		{"again = ", "again := false"},
		{"note(", "note := func(what ...any) { " +
			`log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }`},
		{"ch.", `ch := durable.NewChan[int](ctx, "ch", 1)`},
		{"mu.", `mu := durable.NewMutex(ctx, "mu")`},
		{"slots.", `slots := durable.NewSemaphore(ctx, "slots", 2)`},
		{"wg.", `wg := durable.NewWaitGroup(ctx, "wg")`},
		{"cond.", `gate := durable.NewMutex(ctx, "gate")`},
		{"cond.", `cond := durable.NewCond(ctx, gate, "cond")`},
	} {
		if strings.Contains(code, shared.use) {
			b.WriteString("\t" + shared.declare + "\n")
		}
	}
	b.WriteString(code)
	if strings.Contains(code, "again = ") {
		fmt.Fprintf(&b, "\tif again && in < %d {\n\t\treturn durable.ContinueAsNew[string](ctx, in+%[1]d)\n\t}\n",
			onceMore)
	}
	failed := "nil"
	if strings.Contains(code, "failed = ") {
		failed = "failed"
	}
	fmt.Fprintf(&b, "\treturn strings.Join(log, \"\\n\"), %s\n})\n", failed)
	return b.String()
}

// writer writes code. A future is given a name only when it is used.
type writer struct {
	lines    []written
	depth    int
	named    int
	numbered map[*Op]string // names of children and updates
}

// written is a line of code; declares is the future that it makes.
type written struct {
	depth int
	future
	declares *name
}

// future is the expression that makes a future, and what has to be added when it is used.
type future struct{ text, used string }

// name is a future's.
type name struct {
	text string
	used bool
}

func (n *name) use() string {
	n.used = true
	return n.text
}

// names are the futures that code can see.
type names []*name

// from returns the names from the nth on.
func (s names) from(n int) names { return s[min(n, len(s)):] }

// use lists the names as arguments.
func (s names) use() string {
	texts := make([]string, len(s))
	for i, n := range s {
		texts[i] = n.use()
	}
	return strings.Join(texts, ", ")
}

func (w *writer) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for line := range strings.Lines(text) {
		w.lines = append(w.lines, written{depth: w.depth, future: future{text: strings.TrimSuffix(line, "\n")}})
	}
}

func (w *writer) indented(write func()) {
	w.depth++
	write()
	w.depth--
}

// block writes lines between braces.
func (w *writer) block(open string, write func()) {
	w.line("%s", open)
	w.indented(write)
	w.line("}")
}

// within writes a block with a context of its own, and the body; declare makes the context.
func (w *writer) within(s names, body Program, declare, end string) {
	w.block("{", func() {
		at := len(w.lines)
		w.line("ctx%s", declare)
		w.body(s, body)
		if end != "" {
			w.line("%s", end)
		}
		for _, l := range w.lines[at+1:] {
			if strings.Contains(l.text, "ctx") {
				return
			}
		}
		w.lines[at].text = "_" + strings.Replace(declare, " :=", " =", 1)
		if end != "" {
			w.lines[at].text = "_" + declare
		}
	})
}

// body writes the operations of a body.
func (w *writer) body(s names, body Program) {
	for i := range body {
		if op := &body[i]; op.Verb != "" {
			s = verbOf(op).write(w, s, op)
		}
	}
}

// future writes an expression that makes one.
func (w *writer) future(s names, format string, args ...any) names {
	return w.futureOf(s, future{text: fmt.Sprintf(format, args...)}, nil, "")
}

// futureOf writes an expression with lines in it.
func (w *writer) futureOf(s names, open future, write func(), end string) names {
	w.named++
	f := &name{text: "f" + strconv.Itoa(w.named)}
	w.lines = append(w.lines, written{w.depth, open, f})
	if write != nil {
		w.indented(write)
		w.line("%s", end)
	}
	return append(s[:len(s):len(s)], f)
}

func (w *writer) String() string {
	var b strings.Builder
	for _, l := range w.lines {
		b.WriteString(strings.Repeat("\t", l.depth))
		if l.declares != nil && l.declares.used {
			l.text = l.declares.text + " := " + l.text + l.used
		}
		b.WriteString(l.text + "\n")
	}
	return b.String()
}

// argumentText is the code of a step's argument.
func argumentText(n int) string {
	switch n {
	case argInput:
		return "in%" + strconv.Itoa(seconds)
	case argSeen:
		return "len(log)%" + strconv.Itoa(seconds)
	}
	return strconv.Itoa(n)
}

// expand puts n where code says $n.
func expand(code string, n int) string { return strings.ReplaceAll(code, "$n", strconv.Itoa(n)) }
