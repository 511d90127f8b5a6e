package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/util/jsonclient"
)

const (
	telegramTimeout = 10 * time.Second
	// telegramMost is how many characters a message may have.
	telegramMost = 4096
)

// sendTelegram does what shoutrrr does, which takes it for a success if Telegram cannot
// be reached, and sends nothing of what is too long.
func sendTelegram(config *telegram.Config, m message) error {
	client := jsonclient.NewWithHTTPClient(&http.Client{Timeout: telegramTimeout})
	var errs []error
	for _, chat := range config.Chats {
		var answer struct{ OK bool }
		err := client.Post("https://api.telegram.org/bot"+config.Token+"/sendMessage", telegramPayload(config, chat, m), &answer)
		if body := jsonclient.ErrorBody(err); body != "" {
			var why struct {
				Description string
				Parameters  struct {
					RetryAfter int64 `json:"retry_after"`
				}
			}
			if json.Unmarshal([]byte(body), &why) == nil && why.Description != "" {
				err = fmt.Errorf("%w: %s", err, why.Description)
			}
			if after := why.Parameters.RetryAfter; after > 0 {
				err = refusal{err, retryAfter(strconv.FormatInt(after, 10), time.Time{})}
			}
		}
		if err == nil && !answer.OK {
			err = errors.New("telegram did not take it")
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func telegramPayload(config *telegram.Config, chat string, m message) telegram.SendMessagePayload {
	text, mode := m.text, config.ParseMode
	if mode == telegram.ParseModes.None && m.title != "" {
		mode, text = telegram.ParseModes.HTML, html.EscapeString(text)
	}
	if mode == telegram.ParseModes.HTML && m.title != "" {
		text = "<b>" + html.EscapeString(m.title) + "</b>\n" + text
	}
	payload := telegram.SendMessagePayload{Text: text, DisableNotification: !config.Notification, DisablePreview: !config.Preview}
	if mode != telegram.ParseModes.None {
		payload.ParseMode = mode.String()
	}
	id, thread, _ := strings.Cut(chat, ":")
	payload.ID = id
	if n, err := strconv.Atoi(thread); err == nil {
		payload.MessageThreadID = &n
	}
	return payload
}
