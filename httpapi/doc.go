// Package httpapi lets a Tower be asked over HTTP: to look, to update, and what it has
// done; or several, one for each engine. It is a http.Handler for a server of one's own, on
// net/http alone.
//
//	api, err := httpapi.New(
//		httpapi.WithEndpoints(httpapi.Update, httpapi.Containers, httpapi.Health),
//		httpapi.WithToken(credentials.NewSecret(token)),
//	)
//	...
//	tower, err := watchtower.New(watchtower.WithObserver(api), ...)
//	err = api.Attach(tower)
//	server := httpapi.NewServer(api)
//
// It is an Observer, from which the history, the status and the stream of events come;
// until Attach gives it the Tower it answers 503. Nothing is served that WithEndpoints
// does not name, and nothing that tells anything without the token.
//
// Answers are JSON with "timestamp" and "api_version", an error's is "error" beside
// them. The OpenAPI document (Document) says what each endpoint takes and gives. The
// endpoint Page is for people: one that shows the others in a browser.
//
// # Updates
//
// An update over HTTP is a pass like any other: it takes its turn, and filters of the
// request narrow those of the Tower. One for all containers is refused with 429 while
// another pass is being made; one for some waits. It is not its caller's: a caller who
// goes away, or whose timeout ends, cuts no swap short, and finds the result under
// /v1/updates. Only one whose turn has not come by the timeout is withdrawn. So it is with
// a check, whose timeout is answered by 504.
//
// # Several engines
//
// Attach takes a Tower for each engine, each made with watchtower.WithEngineName and with
// the Handler among its observers. Answers then name the engine of what they tell, and
// engine=NAME narrows what is asked. They are asked side by side: one that is dead, hangs
// or is busy stands in the answer with its reason, beside what the others say, and only
// where none has something to say is the answer an error.
//
// # Bounds
//
// Everything that callers could make grow has an end: bodies (64 KiB; a webhook's 1 MiB),
// updates that wait (32), checks (8), the history (500 passes, 8 MiB of reports), followers of events
// (100), what an address may ask in a minute (WithRateLimit). The engine is asked at most
// once a second, however many callers there are. Of several engines each has room of its
// own for updates, checks and history. What a handler cannot bound, headers and slow
// connections, NewServer does.
package httpapi
