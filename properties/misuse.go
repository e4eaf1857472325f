package properties

import (
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/durable"
)

// refuse ends a test that can't work, when there is a reason.
func refuse(t testing.TB, why string) {
	t.Helper()
	if why != "" {
		t.Fatal(why)
	}
}

// mustWork ends what can't work, when there is a reason. In a world, package sim makes it the test's failure.
func mustWork(why string) {
	if why != "" {
		panic(why)
	}
}

// boots is a Boot function, by the name of its field, that may not return nil.
func boots[In, Out any](
	field string, boot func() *durable.Workflow[In, Out],
) func() *durable.Workflow[In, Out] {
	return func() *durable.Workflow[In, Out] {
		w := boot()
		if w == nil {
			panic("properties: World." + field + " " + place(boot) + " returned nil instead of a workflow")
		}
		return w
	}
}

// place is where a function begins, in parentheses.
func place(fn any) string {
	f := runtime.FuncForPC(reflect.ValueOf(fn).Pointer())
	if strings.Contains(f.Name(), "/properties.WithoutWorld[") {
		return "(WithoutWorld)"
	}
	file, line := f.FileLine(f.Entry())
	return fmt.Sprintf("(%s:%d)", filepath.Base(file), line)
}

// opened fails the world when the engine did not open. What is wrong with its Config is not a crash's doing.
func (v *watch) opened(node string, err error) {
	switch {
	case err == nil:
	case strings.HasPrefix(err.Error(), "durable.Open: Config."):
		panic(err.Error())
	default:
		v.world.Fail(EngineOpens, node, err.Error())
	}
}
