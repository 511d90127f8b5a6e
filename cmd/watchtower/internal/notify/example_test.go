package notify_test

import (
	"context"
	"os"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/notify"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func ExampleNew() {
	n, err := notify.New(notify.Config{
		Services: []notify.Service{{Setting: "WATCHTOWER_NOTIFICATION_URL", URL: credentials.NewSecret("logger://")}},
		Stdout:   os.Stdout,
	})
	if err != nil {
		panic(err)
	}
	n.Observe(context.Background(), watchtower.UpdateEnded{At: time.Now(), Entry: watchtower.Entry{
		Container: lifecycle.Container{Name: "web", Image: "nginx", ImageID: "sha256:0123456789abcdef"},
		Status:    watchtower.StatusUpdated, NewImageID: "sha256:fedcba9876543210",
	}})
	n.Close(context.Background())
	// Output: Updated web (nginx): 0123456789ab to fedcba987654
}
