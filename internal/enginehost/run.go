package enginehost

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	// dirVar tells the second execution that it is inside, and where to keep
	// the engine's files.
	dirVar = "WATCHTOWER_TEST_ENGINE_DIR"
	// requiredVar set to "required" makes a test without an engine fail, as
	// CI=true does.
	requiredVar = "WATCHTOWER_TEST_ENGINE"
	// answerWithin is how long an engine that is there may take to say so.
	answerWithin = 10 * time.Second
	// startWithin is how long an engine or a registry may take to come up.
	startWithin = 30 * time.Second
	// atOnce is how many tests run side by side that say they may, if -parallel does
	// not say it: they wait for containers more than they compute.
	atOnce = "6"
	// stopWithin is how long one may take to end once it was asked to.
	stopWithin = 20 * time.Second
)

// current is the engine of this test binary; missing says why there is none.
var (
	current *Host
	missing string
)

// Run is for TestMain: it runs the tests with an engine, if there is one to be
// had, and returns the exit code. What prepare does is done once, before the
// tests lose the outside network; what it cannot do is told, and for the tests
// to miss.
func Run(m *testing.M, prepare ...func() error) int {
	if order := os.Getenv(clientVar); order != "" {
		return askAround(order)
	}
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			return broken(err)
		}
	}
	if flag.Lookup("test.list").Value.String() != "" {
		return m.Run() // names are listed without an engine
	}
	if os.Getenv(dirVar) == "" {
		for _, f := range prepare {
			if err := f(); err != nil {
				fmt.Fprintf(os.Stderr, "enginehost: %v\n", err)
			}
		}
	}
	code, lacking := private(m)
	if lacking == "" {
		return code
	}
	missing = lacking + ", and DOCKER_HOST names no engine"
	if address := os.Getenv("DOCKER_HOST"); address != "" {
		var err error
		if current, err = attach(address); err != nil {
			missing = fmt.Sprintf("%s, and the engine DOCKER_HOST names does not answer: %v", lacking, err)
		}
	}
	return m.Run()
}

func broken(err error) int {
	fmt.Fprintf(os.Stderr, "enginehost: %v\n", err)
	return 1
}

// attach asks the engine at an address for its version.
func attach(address string) (*Host, error) {
	network, target, _ := strings.Cut(address, "://")
	if network != "unix" {
		network = "tcp"
	}
	h := &Host{Address: address}
	h.client = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, target)
		},
	}}
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	var v struct{ Version, ApiVersion, MinAPIVersion string } //nolint:revive // the engine's spelling
	if _, err := h.call(ctx, http.MethodGet, "/version", nil, &v); err != nil {
		return nil, err
	}
	h.Version, h.APIVersion, h.oldest = v.Version, v.ApiVersion, v.MinAPIVersion
	return h, nil
}
