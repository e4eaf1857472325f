package determinism

import (
	"go/types"
	"path"
	"slices"
	"strings"
)

// The tables of this file say what functions and variables of the standard library, and of a few widely
// used modules, do to replay. What no table names is taken to be deterministic in the standard library,
// and is found out from the source elsewhere.

// knownNames are functions, methods and variables by their full name, as types.Func.FullName writes it.
var knownNames = map[string]kind{
	"time.Now": kindClock, "time.Since": kindClock, "time.Until": kindClock,
	"time.Sleep": kindTimer, "time.After": kindTimer, "time.AfterFunc": kindTimer, "time.Tick": kindTimer,
	"time.NewTimer": kindTimer, "time.NewTicker": kindTimer,
	"(*time.Timer).Reset": kindTimer, "(*time.Ticker).Reset": kindTimer,
	"time.Local": kindZone, "(time.Time).Local": kindZone, "time.LoadLocation": kindZone,

	"crypto/ed25519.GenerateKey": kindSecret, "crypto/rsa.GenerateKey": kindSecret,
	"crypto/rsa.GenerateMultiPrimeKey": kindSecret, "crypto/ecdsa.GenerateKey": kindSecret,
	"crypto/elliptic.GenerateKey": kindSecret, "crypto/dsa.GenerateKey": kindSecret,
	"(crypto/ecdh.Curve).GenerateKey": kindSecret, "crypto/mlkem.GenerateKey768": kindSecret,
	"crypto/mlkem.GenerateKey1024": kindSecret,
	"crypto/rsa.EncryptPKCS1v15":   kindSecret, "crypto/rsa.EncryptOAEP": kindSecret,
	"crypto/rsa.SignPSS": kindSecret, "crypto/ecdsa.Sign": kindSecret, "crypto/ecdsa.SignASN1": kindSecret,

	"context.Background": kindContext, "context." + "TO" + "DO": kindContext, "context.WithCancel": kindContext,
	"context.WithCancelCause": kindContext, "context.WithDeadline": kindContext,
	"context.WithDeadlineCause": kindContext, "context.WithTimeout": kindContext,
	"context.WithTimeoutCause": kindContext, "context.WithoutCancel": kindContext,
	"context.WithValue": kindContext, "context.AfterFunc": kindGoroutine,

	"runtime.NumGoroutine": kindRuntime, "runtime.NumCPU": kindRuntime, "runtime.GOMAXPROCS": kindRuntime,
	"runtime.GC": kindRuntime, "runtime.ReadMemStats": kindRuntime, "runtime.NumCgoCall": kindRuntime,
	"runtime.Caller": kindRuntime, "runtime.Callers": kindRuntime, "runtime.Stack": kindRuntime,
	"runtime.CallersFrames": kindRuntime, "runtime.FuncForPC": kindRuntime, "runtime.Gosched": kindRuntime,
	"runtime.Goexit": kindRuntime, "runtime.SetFinalizer": kindRuntime, "runtime.AddCleanup": kindRuntime,
	"runtime.LockOSThread": kindRuntime, "runtime.UnlockOSThread": kindRuntime, "runtime.GOROOT": kindEnv,
	"runtime.Version": kindEnv, "runtime.MemProfileRate": kindRuntime, "runtime.GoroutineProfile": kindRuntime,
	"(weak.Pointer).Value": kindRuntime,

	"path/filepath.Abs": kindFile, "path/filepath.Glob": kindFile, "path/filepath.Walk": kindFile,
	"path/filepath.WalkDir": kindFile, "path/filepath.EvalSymlinks": kindFile,
	"text/template.ParseFiles": kindFile, "text/template.ParseGlob": kindFile,
	"(*text/template.Template).ParseFiles": kindFile, "(*text/template.Template).ParseGlob": kindFile,
	"html/template.ParseFiles": kindFile, "html/template.ParseGlob": kindFile,
	"(*html/template.Template).ParseFiles": kindFile, "(*html/template.Template).ParseGlob": kindFile,
	"archive/zip.OpenReader": kindFile, "debug/elf.Open": kindFile, "debug/macho.Open": kindFile,
	"debug/pe.Open": kindFile, "debug/buildinfo.ReadFile": kindFile, "go/parser.ParseDir": kindFile,
	"mime.TypeByExtension": kindFile, "mime.ExtensionsByType": kindFile, "crypto/x509.SystemCertPool": kindFile,
	"crypto/tls.LoadX509KeyPair": kindFile, "crypto/tls.Dial": kindNetwork, "crypto/tls.Listen": kindNetwork,
	"crypto/tls.DialWithDialer": kindNetwork, "net/smtp.Dial": kindNetwork, "net/smtp.SendMail": kindNetwork,
	"net/rpc.Dial": kindNetwork, "net/rpc.DialHTTP": kindNetwork, "net/textproto.Dial": kindNetwork,
	"log/syslog.New": kindNetwork, "log/syslog.Dial": kindNetwork,

	"fmt.Print": kindOutput, "fmt.Printf": kindOutput, "fmt.Println": kindOutput,
	"fmt.Scan": kindFile, "fmt.Scanf": kindFile, "fmt.Scanln": kindFile,

	"(reflect.Value).Pointer": kindAddress, "(reflect.Value).UnsafePointer": kindAddress,
	"(reflect.Value).UnsafeAddr": kindAddress, "(reflect.Value).Send": kindChannel,
	"(reflect.Value).Recv": kindChannel, "(reflect.Value).TrySend": kindChannel,
	"(reflect.Value).TryRecv": kindChannel, "reflect.Select": kindSelect,
	"(*reflect.MapIter).Next": kindMapOrder, "(reflect.Value).MapRange": kindMapOrder,

	"testing/synctest.Wait": kindGoroutine,
}

// knownPackages are packages all of whose functions, methods and variables have the same effect, but for
// those in harmless and for error values.
var knownPackages = map[string]kind{
	"math/rand": kindRandom, "math/rand/v2": kindRandom, "crypto/rand": kindSecret, "hash/maphash": kindRandom,
	"sync": kindLock, "sync/atomic": kindAtomic,
	"os": kindFile, "os/exec": kindProcess, "os/signal": kindProcess, "os/user": kindEnv, "io/ioutil": kindFile,
	"syscall": kindProcess, "plugin": kindFile, "net": kindNetwork, "net/http": kindNetwork,
	"net/rpc": kindNetwork, "database/sql": kindDatabase, "flag": kindEnv, "expvar": kindGlobal,
	"log": kindOutput, "log/slog": kindOutput, "log/syslog": kindOutput,
	"runtime/debug": kindRuntime, "runtime/metrics": kindRuntime, "runtime/pprof": kindRuntime,
	"runtime/trace": kindRuntime, "net/http/httptest": kindNetwork,

	"github.com/google/uuid": kindUUID, "github.com/gofrs/uuid": kindUUID, "github.com/satori/go.uuid": kindUUID,
	"github.com/hashicorp/go-uuid": kindUUID, "github.com/oklog/ulid": kindUUID, "github.com/rs/xid": kindUUID,
	"github.com/segmentio/ksuid": kindUUID, "github.com/lithammer/shortuuid": kindUUID,
	"github.com/matoous/go-nanoid": kindUUID, "github.com/teris-io/shortid": kindUUID,
	"golang.org/x/sync/errgroup": kindGoroutine, "golang.org/x/sync/semaphore": kindLock,
	"golang.org/x/sync/singleflight": kindLock,
	"github.com/sirupsen/logrus":     kindOutput, "go.uber.org/zap": kindOutput,
	"github.com/rs/zerolog":  kindOutput,
	"github.com/golang/glog": kindOutput, "k8s.io/klog": kindOutput, "github.com/go-logr/logr": kindOutput,
}

// osEnvironment are the functions of package os that read the process's surroundings and not a file.
var osEnvironment = words(`Getenv LookupEnv Environ ExpandEnv Setenv Unsetenv Clearenv Args Hostname Getpid
	Getppid Getuid Geteuid Getgid Getegid Getgroups Getpagesize Getwd UserHomeDir UserCacheDir UserConfigDir
	TempDir Executable`)

// harmless are the names of known packages that replay exactly. A name with a dot is a method or all methods
// of a type, a name that ends in * a prefix.
var harmless = map[string]wordList{
	"math/rand":    words("New NewSource NewZipf Rand.* Zipf.* Source.* Source64.*"),
	"math/rand/v2": words("New NewPCG NewChaCha8 NewZipf Rand.* Zipf.* PCG.* ChaCha8.* Source.*"),
	"hash/maphash": words("Hash.Size Hash.BlockSize"),
	"sync":         words("NewCond OnceFunc OnceValue OnceValues"),
	"os": words(`IsExist IsNotExist IsPermission IsTimeout IsPathSeparator Expand NewSyscallError DevNull
		FileMode.* PathError.* SyscallError.* LinkError.* FileInfo.* DirEntry.* Err*`),
	"os/exec": words("ErrNotFound ErrDot ErrWaitDelay Error.* ExitError.*"),
	"syscall": words("Errno.*"),
	"net": words(`ParseIP ParseCIDR ParseMAC SplitHostPort JoinHostPort IPv4 IPv4Mask CIDRMask IP.* IPMask.*
		IPNet.* IPAddr.* TCPAddr.* UDPAddr.* UnixAddr.* Addr.* HardwareAddr.* Flags.* OpError.* DNSError.*
		AddrError.* ParseError.* Error.* InvalidAddrError.* UnknownNetworkError.* IPv4* IPv6* Err*
		TCPAddrFromAddrPort UDPAddrFromAddrPort`),
	"net/http": words(`StatusText CanonicalHeaderKey NewRequest NewRequestWithContext Header.* Cookie.*
		noBody.* ParseHTTPVersion ParseTime ParseCookie ParseSetCookie DetectContentType HandlerFunc.* NewServeMux
		ConnState.* SameSite.* ProtocolError.* MaxBytesError.* Err* NoBody Request.UserAgent Request.Cookie*
		Request.WithContext Request.Clone Request.Context Request.AddCookie Request.SetBasicAuth
		Request.BasicAuth Request.Referer Request.PathValue Request.SetPathValue`),
	"net/rpc":       words("Err* ServerError.*"),
	"database/sql":  words("Err* Null*.* Named Out.* IsolationLevel.* RawBytes.*"),
	"flag":          words("Err* ErrorHandling.* NewFlagSet"),
	"runtime/debug": words("BuildInfo.*"),

	"github.com/google/uuid": words(`Parse ParseBytes MustParse Must FromBytes NewSHA1 NewMD5 NewHash Validate
		NewRandomFromReader IsInvalidLengthError UUID.* Time.* Version.* Variant.* Domain.* Nil* Max NameSpace*
		NullUUID.* Err*`),
	"github.com/gofrs/uuid": words(`FromString FromStringOrNil FromBytes FromBytesOrNil Must NewV3 NewV5 UUID.*
		TimestampFrom* Timestamp.* NullUUID.* Nil* Max Namespace* V* Err* Error.*`),
	"github.com/satori/go.uuid": words(
		"FromString FromStringOrNil FromBytes FromBytesOrNil Must NewV3 NewV5 UUID.*"),
	"github.com/hashicorp/go-uuid": words("ParseUUID FormatUUID"),
	"github.com/oklog/ulid": words(`Parse* MustParse* ULID.* New MustNew Timestamp Time MaxTime SetTime Compare
		Err*`),
	"github.com/rs/xid": words("FromString FromBytes ID.* Nil* Sort Err*"),
	"github.com/segmentio/ksuid": words(
		"Parse* KSUID.* FromBytes* FromParts Nil Max Compare Sort IsSorted Err*"),
	"golang.org/x/sync/semaphore":    words("NewWeighted"),
	"golang.org/x/sync/errgroup":     nil,
	"golang.org/x/sync/singleflight": nil,
}

// outputs are the names with which loggers write; other names of theirs only build loggers and fields.
var outputs = words(`Debug* Info* Warn* Error* Fatal* Panic* DPanic* Print* Log* Trace* Output Msg* Send Exit*
	Write*`)

// classify says what using obj, a function or package variable of another package, does to replay.
func classify(obj types.Object) (k kind, what string, ok bool) {
	if obj.Pkg() == nil {
		return "", "", false
	}
	what = fullName(obj)
	if k, ok := knownNames[genericName(what)]; ok {
		return k, what, true
	}
	from := withoutVersion(obj.Pkg().Path())
	k, ok = knownPackages[from]
	if !standardPath(from) {
		what = obj.Pkg().Name() + "." + memberName(obj)
	}
	if !ok || matches(harmless[from], memberName(obj)) {
		return "", "", false
	}
	v, isVar := obj.(*types.Var)
	switch {
	case isVar && (isError(v.Type()) || k == kindLock || k == kindAtomic || k == kindOutput || k == kindUUID):
		return "", "", false
	case k == kindOutput && !writesLog(obj):
		return "", "", false
	case from == "os" && osEnvironment.has(obj.Name()):
		k = kindEnv
	case from == "os" && isVar && obj.Name() != "Stdin":
		k = kindOutput // os.Stdout, os.Stderr
	case from == "os" && matches(
		words("Exit StartProcess FindProcess Process.* ProcessState.*"), memberName(obj)):
		k = kindProcess
	}
	return k, what, true
}

// writesLog reports whether a member of a logging package writes to the log. In zap and zerolog plain
// functions of these names make fields and events.
func writesLog(obj types.Object) bool {
	if !matches(outputs, obj.Name()) {
		return false
	}
	member := memberName(obj)
	if matches(words("Attr.* Value.* Kind.* Level.* LevelVar.*"), member) {
		return false
	}
	from := obj.Pkg().Path()
	return strings.Contains(member, ".") || from != "go.uber.org/zap" && from != "github.com/rs/zerolog"
}

type wordList []string

func words(text string) wordList { return strings.Fields(text) }

func (l wordList) has(word string) bool { return slices.Contains(l, word) }

// matches reports whether a member's name (Name or Type.Method) fits one of the patterns, in which a star
// stands for any letters.
func matches(patterns wordList, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		fits, err := path.Match(pattern, name)
		return err == nil && fits
	})
}

// memberName is Name for what a package declares and Type.Name for a method.
func memberName(obj types.Object) string {
	if fn, ok := obj.(*types.Func); ok {
		if recv := receiverName(fn); recv != "" {
			return recv + "." + fn.Name()
		}
	}
	return obj.Name()
}

// receiverName is the name of the type that a method belongs to, empty for functions.
func receiverName(fn *types.Func) string {
	recv := fn.Signature().Recv()
	if recv == nil {
		return ""
	}
	if named := namedOf(recv.Type()); named != nil {
		return named.Obj().Name()
	}
	return ""
}

// namedOf is the named type behind a type and at most one pointer, nil if there is none.
func namedOf(t types.Type) *types.Named {
	t = types.Unalias(t)
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	named, _ := t.(*types.Named)
	return named
}

// fullName is how diagnostics call an object: with the whole import path.
func fullName(obj types.Object) string {
	if fn, ok := obj.(*types.Func); ok {
		return fn.Origin().FullName()
	}
	if obj.Pkg() == nil {
		return obj.Name()
	}
	return obj.Pkg().Path() + "." + obj.Name()
}

// genericName drops type parameters from a full name.
func genericName(name string) string {
	for {
		open := strings.IndexByte(name, '[')
		end := strings.IndexByte(name, ']')
		if open < 0 || end < open {
			return name
		}
		name = name[:open] + name[end+1:]
	}
}

// withoutVersion drops the major version from an import path; math/rand/v2 is a package of its own.
func withoutVersion(path string) string {
	i := strings.LastIndex(path, "/v")
	if i < 0 || path == "math/rand/v2" || i+2 == len(path) || strings.Trim(path[i+2:], "0123456789") != "" {
		return path
	}
	return path[:i]
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }
