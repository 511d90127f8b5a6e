package notify

import (
	"encoding/json"
	"time"
)

type writtenData struct {
	Report  *Report `json:"report"`
	Title   string  `json:"title"`
	Host    string  `json:"host"`
	Engine  string  `json:"engine,omitempty"`
	Entries []Entry `json:"entries"`
}

type writtenReport struct {
	Scanned   []writtenContainer `json:"scanned"`
	Updated   []writtenContainer `json:"updated"`
	Restarted []writtenContainer `json:"restarted"`
	Failed    []writtenContainer `json:"failed"`
	Skipped   []writtenContainer `json:"skipped"`
	Stale     []writtenContainer `json:"stale"`
	Fresh     []writtenContainer `json:"fresh"`
}

type writtenContainer struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Service        string `json:"service,omitempty"`
	TaskOf         string `json:"taskOf,omitempty"`
	CurrentImageID string `json:"currentImageId"`
	LatestImageID  string `json:"latestImageId"`
	ImageName      string `json:"imageName"`
	State          string `json:"state"`
	Change         string `json:"change,omitempty"`
	Error          string `json:"error,omitempty"`
}

// MarshalJSON writes it as json.v1 does: report, title, host, entries. The report is
// null in what is not of a pass.
func (d *Data) MarshalJSON() ([]byte, error) {
	return json.Marshal(writtenData{Report: d.Report, Title: d.Title, Host: d.Host, Engine: d.Engine, Entries: append([]Entry{}, d.Entries...)})
}

// MarshalJSON writes the lists.
func (r *Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(writtenReport{
		written(r.Scanned()), written(r.Updated()), written(r.Restarted()), written(r.Failed()),
		written(r.Skipped()), written(r.Stale()), written(r.Fresh()),
	})
}

// MarshalJSON writes level, message, data and time.
func (e Entry) MarshalJSON() ([]byte, error) {
	data := e.Data
	if data == nil {
		data = map[string]any{}
	}
	return json.Marshal(struct {
		Level   string         `json:"level"`
		Message string         `json:"message"`
		Data    map[string]any `json:"data"`
		Time    time.Time      `json:"time"`
	}{e.Level, e.Message, data, e.Time})
}

// MarshalJSON writes it as in a report: with short IDs.
func (c Container) MarshalJSON() ([]byte, error) { return json.Marshal(written([]Container{c})[0]) }

func written(containers []Container) []writtenContainer {
	out := []writtenContainer{}
	for _, c := range containers {
		out = append(out, writtenContainer{
			c.ID.ShortID(), c.Name, c.Service, c.TaskOf, c.CurrentImageID.ShortID(), c.LatestImageID.ShortID(), c.ImageName, c.State, c.Change, c.Error,
		})
	}
	return out
}

// porcelainContainer is one container of porcelain.json.
type porcelainContainer struct {
	Name     string `json:"name"`
	Service  string `json:"service,omitempty"`
	TaskOf   string `json:"task_of,omitempty"`
	Image    string `json:"image"`
	ImageID  ID     `json:"image_id"`
	LatestID ID     `json:"latest_image_id"`
	State    string `json:"state"`
	Newer    bool   `json:"update_available"`
	Error    string `json:"error,omitempty"`
}

// toPorcelainJSON writes the report's containers, with whole IDs, in one line.
func toPorcelainJSON(d *Data) (string, error) {
	containers := []porcelainContainer{}
	for _, c := range d.Report.All() {
		containers = append(containers, porcelainContainer{
			c.Name, c.Service, c.TaskOf, c.ImageName, c.CurrentImageID, c.LatestImageID, c.State, c.outOfDate, c.Error,
		})
	}
	text, err := json.Marshal(map[string]any{"containers": containers})
	return string(text) + "\n", err
}
