package main

// What a check shows of a container that is to be updated, and of one that is left out.
const (
	stale = ` +\S+ +stale `
	out   = ` +\S+ +skipped `
)

// decisions are numbered where the original program and its fork differ from each
// other; those without a number are what both had wrong or left open.
func decisions() []decision {
	return []decision{
		{"1 no scope: all; none: those without; x: those of x", []proof{
			looks{args: args("check", "t-.*"), want: args("^t-app"+stale, "^t-scoped"+stale)},
			looks{args: args("check", "--scope", "none", "t-.*"), want: args("^t-app"+stale, "^t-scoped"+out)},
			looks{env: "WATCHTOWER_SCOPE=x", args: args("check", "t-.*"), want: args("^t-app"+out, "^t-scoped"+stale)},
		}},
		{"2 names have no slash, and may be given with one", []proof{
			looks{args: args("check", "--json", "/t-app"), want: args(`"name": "t-app"`, `"status": "stale"`), never: args(`"/t-`)},
		}},
		{"3 4 a plain name is exact, a pattern is for the whole name, also for those that are disabled", []proof{
			looks{args: args("check", "t-app"), want: args("^t-app"+stale, "^t-app1"+out)},
			looks{args: args("check", "t-ap|t-we|t-web"), want: args("^t-app"+out, "^t-web"+stale)},
			looks{args: args("check", "t-app.*"), want: args("^t-app"+stale, "^t-app1"+stale, "^t-web"+out)},
			looks{args: args("check", "-x", "t-app", "t-.*"), want: args("^t-app"+out, "^t-app1"+stale)},
			looks{args: args("check", "-x", "t-app.+", "t-.*"), want: args("^t-app"+stale, "^t-app1"+out)},
			looks{args: args("check", "web("), code: exitFailed, want: args(`"web\("`)},
			looks{args: args("check", "-x", "web("), code: exitFailed, want: args(`"web\("`)},
		}},
		{"5 five fields begin with the minute, six with the second", []proof{
			does(nextPasses),
			looks{env: "WATCHTOWER_SCHEDULE=61 4 * * *", code: exitFailed, want: args(`WATCHTOWER_SCHEDULE: .*"61 4 \* \* \*": minute "61": want 0-59`)},
			looks{env: "WATCHTOWER_SCHEDULE=0 4 * *", code: exitFailed, want: args(`WATCHTOWER_SCHEDULE: .*"0 4 \* \*": 4 fields: want 5 fields`)},
			elsewhere{"internal/cronspec", "TestTableOfForms"},
			elsewhere{"internal/cronspec", "TestTableOfSpring"},
			elsewhere{"internal/cronspec", "TestTableOfAutumn"},
		}},
		{"6 a bare number is seconds", []proof{
			looks{env: "WATCHTOWER_TIMEOUT=30", args: args("check", "--verbose", "t-app"), want: args(`stop-timeout +30s +WATCHTOWER_TIMEOUT`)},
			looks{env: "WATCHTOWER_TIMEOUT=1m30s", args: args("check", "--verbose", "t-app"), want: args(`stop-timeout +1m30s +WATCHTOWER_TIMEOUT`)},
			looks{env: "WATCHTOWER_TIMEOUT=0", args: args("check", "--verbose", "t-app"), want: args(`stop-timeout +0s +WATCHTOWER_TIMEOUT`)},
			looks{env: "WATCHTOWER_TIMEOUT=-1", args: args("check"), code: exitFailed, want: args(`WATCHTOWER_TIMEOUT: "-1": want .*0 or more`)},
		}},
		{"7 8 9 the signal and the time to stop", []proof{
			does(howContainersAreStopped),
			elsewhere{"lifecycle", "TestHowAContainerIsStopped"},
		}},
		{"10 no-restart creates the new container and does not start it", []proof{does(noRestart), elsewhere{".", "TestHowSuccessorsBegin"}}},
		{"11 what is no value is an error that says what is accepted", []proof{
			looks{env: "WATCHTOWER_CLEANUP=yes", args: args("--run-once"), code: exitFailed, want: args(`WATCHTOWER_CLEANUP: "yes": want true or false`)},
			looks{env: "WATCHTOWER_POLL_INTERVAL=abc", code: exitFailed, want: args(`WATCHTOWER_POLL_INTERVAL: "abc": want a whole number of seconds`)},
		}},
		{"12 config.json goes first, and the other login is shown to whoever needs one", []proof{
			does(whoIsShownALogin),
			elsewhere{"registry", "TestAMirrorIsNotShownALoginInReserve"},
			elsewhere{"registry", "TestALoginInReserveIsShownToWhoRefusesToAnswerWithout"},
			elsewhere{"credentials", "TestAnEntryInTheFileGoesBeforeTheRepoLogin"},
			elsewhere{"credentials", "TestTheRepoLogin"},
		}},
		{"13 what orders containers, and what moves along", []proof{
			looks{args: args("check", "t-db"), want: args(
				"^replace t-db:", "with it restart t-label:", "with it restart t-link:", "with it restart t-net:",
				"with it restart t-volumes:", "with it restart t-restart:",
			), never: args("restart t-order")},
			elsewhere{".", "TestChildrenReachTheirParentAfterAnUpdate"},
			elsewhere{".", "TestAChainOfVolumesMovesTogether"},
		}},
		{"14 rolling goes on only after what was verified", []proof{
			does(rollingStops),
			elsewhere{".", "TestRollingGoesOneAtATimeAndStopsAtABadImage"},
		}},
		{"15 the update of itself", []proof{
			elsewhere{"internal/selfupdate", "TestARunOnceLeavesItselfAlone"},
			elsewhere{"internal/selfupdate", "TestItReplacesItselfAgainAndAgain"},
			elsewhere{"internal/selfupdate", "TestAnImageThatDoesNotWorkIsTriedOnce"},
		}},
		{"16 17 18 an update over HTTP by POST and GET, busy; updated counts updated; both spellings of skipped", []proof{
			does(overHTTP),
			elsewhere{"cmd/watchtower", "TestTheAPIOfTheRunningProgram"},
			elsewhere{"cmd/watchtower/internal/metrics", "TestThePredecessorsNamesAreThere"},
		}},
		{"19 a signal ends polling with 0, a pass that it cuts short with 1", []proof{
			does(signalsEndIt),
			elsewhere{"cmd/watchtower", "TestASignalInMidSwap"},
			elsewhere{"cmd/watchtower", "TestSignals"},
		}},
		{"20 the API's version is negotiated, unless it is given", []proof{
			does(apiVersions),
			elsewhere{".", "TestUpdatesThroughEveryAPIVersion"},
		}},
		{"21 the default report is sent only if there is something to tell", []proof{
			elsewhere{"cmd/watchtower", "TestNotificationsOfARun"},
			elsewhere{"cmd/watchtower/internal/notify", "TestTenPollsWithOneUpdateGiveOneMessage"},
		}},
		{"22 what is skipped is reported as that, with the reason", []proof{
			looks{args: args("check", "t-.*"), want: args("^t-off" + out + `+\S+`)},
			looks{args: args("--run-once", "--porcelain", "v1", "t-pinned"), want: args(`^t-pinned \(\S+\): Skipped Error: pinned to a digest$`)},
		}},
		{"23 lists are split at commas and white space", []proof{
			looks{env: "WATCHTOWER_DISABLE_CONTAINERS=t-app, t-web t-db", args: args("check", "t-.*"), want: args("^t-app"+out, "^t-web"+out, "^t-db"+out, "^t-app1"+stale)},
		}},
		{"24 pinned: no request, and reported as pinned", []proof{does(pinnedAsksNobody)}},
		{"25 no-startup-message is for the log, too", []proof{does(quietStart)}},
		{"a name that no container has is told once", []proof{
			looks{args: args("--run-once", "nobody"), want: args(`level=warn msg="no container has this name" name=nobody`)},
		}},
		{"a URL of a service that cannot be had is told of with them", []proof{
			looks{env: "WATCHTOWER_NOTIFICATION_URL=mqtt://canary@h", args: args("--run-once", "nobody"), code: exitFailed, want: args(
				"WATCHTOWER_NOTIFICATION_URL: .*mqtt is not in the shoutrrr of this release",
			), never: args("canary")},
		}},
		{"what excludes each other is refused", []proof{
			looks{args: args("--rolling-restart", "--monitor-only"), code: exitFailed, want: args("--rolling-restart and --monitor-only: want one of them")},
			looks{args: args("--interval", "60", "--schedule", "@daily"), code: exitFailed, want: args("--interval and --schedule: want one of them")},
			looks{args: args("--http-api-update"), code: exitFailed, want: args("--http-api-update: want a token along with it")},
		}},
		{"an interval below a second is an error", []proof{
			looks{args: args("--interval", "0"), code: exitFailed, want: args(`--interval: "0": want .*at least 1 second`)},
			looks{env: "WATCHTOWER_POLL_INTERVAL=500ms", code: exitFailed, want: args(`WATCHTOWER_POLL_INTERVAL: "500ms": want .*at least 1 second`)},
		}},
		{"a secret may be in a file, not in two places", []proof{
			looks{env: "WATCHTOWER_HTTP_API_TOKEN_FILE=DIR/token", args: args("check", "--verbose", "--http-api-update", "nobody"), want: args(
				`http-api-token +\*\*\* +WATCHTOWER_HTTP_API_TOKEN_FILE`,
			), never: args("canary")},
			looks{env: "WATCHTOWER_HTTP_API_TOKEN=DIR/token", args: args("check", "--verbose", "--http-api-update", "nobody"), want: args(
				`http-api-token +\*\*\* +WATCHTOWER_HTTP_API_TOKEN`,
			), never: args("canary")},
			looks{env: "WATCHTOWER_HTTP_API_TOKEN=canary;WATCHTOWER_HTTP_API_TOKEN_FILE=DIR/token", args: args("check"), code: exitFailed, want: args(
				"WATCHTOWER_HTTP_API_TOKEN and WATCHTOWER_HTTP_API_TOKEN_FILE are both set: want one of them",
			), never: args("canary")},
		}},
		{"monitor-only never pulls", []proof{does(monitorOnlyPullsNothing)}},
		{"run-once says by its exit whether all went well", []proof{
			looks{args: args("--run-once", "t-pinned"), want: args("updated=0 failed=0")},
			does(runOnceTells),
		}},
		{"a pass ends with one line", []proof{
			looks{args: args("--run-once", "nobody"), want: args(`level=info msg="update done" scanned=0 updated=0 failed=0 skipped=\d+ rolled_back=0`)},
			looks{env: "WATCHTOWER_LOG_FORMAT=json", args: args("--run-once", "nobody"), want: args(
				`"time":".*"level":"info","msg":".*"scanned":0,"updated":0,"failed":0,"skipped":\d+,"rolled_back":0`,
			)},
		}},
		{"an engine that is not there", []proof{
			looks{args: args("--run-once", "--host", "unix:///nowhere.sock"), code: exitFailed, want: args("no engine at unix:///nowhere.sock")},
			does(engineGoesAndComesBack),
			elsewhere{"cmd/watchtower", "TestAnEngineThatIsNotThere"},
		}},
		{"a config.json that is broken", []proof{
			looks{env: "DOCKER_CONFIG=DIR/broken", args: args("--run-once"), code: exitFailed, want: args("broken/config.json")},
			does(configBreaksLater),
		}},
		{"porcelain v1", []proof{
			looks{args: args("--run-once", "--monitor-only", "--porcelain", "v1", "t-app", "t-seen"), want: args(
				`^t-app \(\S+town:1\): Stale$`, `^t-seen \(\S+town:1\): Stale$`,
			), never: args(`/t-`)},
			elsewhere{"cmd/watchtower", "TestPorcelain"},
		}},
	}
}
