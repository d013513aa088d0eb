//! One of every event, with every way it can be.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::json;

use super::samples::now;
use crate::event::{
    Acceptance, Event, Intent, Judgement, LaunchId, LiveInstance, Mode, Outcome, Remedy,
    ServerResult, WaveOutcome,
};
use crate::guard::{Guard, Unchecked};
use crate::ids::{ExecutionId, InstanceId, JobId, OwnerId, ServerId};
use crate::plan::{AfterFailure, Success};
use crate::testing::{beginning, ids, target};

type Named = (&'static str, Event);

pub(super) fn events() -> Vec<Named> {
    let mut all = beginnings();
    all.extend(launches());
    all.extend(followings());
    all.extend(endings());
    all.extend(terminations());
    // What comes later comes last: the number of an event is its place here.
    all.extend(requests());
    all.extend(words());
    all
}

fn why() -> String {
    "why".to_owned()
}

fn instances() -> Vec<InstanceId> {
    vec![InstanceId::new("i-0123456789abcdef0")]
}

fn beginnings() -> Vec<Named> {
    let (mut started, _) = beginning(&[("db", &["s-1"]), ("web", &["s-2"])]);
    started.timeout = Some(SignedDuration::from_secs(7_200));
    started.waves[1].max_in_flight = Some(2);
    started.waves[1].wait = SignedDuration::from_secs(30);
    let inputs = json!({"week": "9", "exact": 1.25, "nothing": null});
    started.inputs = BTreeMap::from([("triggers".to_owned(), inputs)]);
    let taken = Event::OwnerTaken {
        owner: OwnerId::new("o-2"),
        host: "beta".to_owned(),
        previous: Some(OwnerId::new("o-1")),
    };
    vec![
        ("started", Event::ExecutionStarted(Box::new(started))),
        ("owner-taken", taken),
        ("wave-ready", Event::WaveReady { wave: 1 }),
        ("wave-started", Event::WaveStarted { wave: 1 }),
    ]
}

fn launches() -> Vec<Named> {
    let launch = LaunchId(3);
    let intent = Intent {
        launch,
        wave: 1,
        attempt: 2,
        target: target(),
        servers: ids(&["s-1", "s-2"]),
        signed_at: now().wall,
        tagged: true,
    };
    let refused = |remedy| Event::LaunchRefused {
        launch,
        code: "ValidationException".to_owned(),
        message: why(),
        remedy,
    };
    let accepted = |how| Event::LaunchAccepted {
        launch,
        job: JobId::new("drsjob-0123456789abcdef0"),
        how,
    };
    let after = Some(SignedDuration::from_secs(5));
    let message = why();
    let reason = why();
    let assumed = true;
    vec![
        ("launch-intended", Event::LaunchIntended(Box::new(intent))),
        ("launch-answered", accepted(Acceptance::Answered)),
        ("launch-adopted-by-tag", accepted(Acceptance::AdoptedByTag)),
        (
            "launch-adopted-by-servers",
            accepted(Acceptance::AdoptedByServers),
        ),
        ("launch-refused-for-good", refused(Remedy::GiveUp)),
        (
            "launch-refused-for-now",
            refused(Remedy::RetryLater { after }),
        ),
        ("launch-refused-for-tags", refused(Remedy::RetryWithoutTags)),
        ("launch-refused-as-whole", refused(Remedy::RetryInHalves)),
        ("launch-unknown", Event::LaunchUnknown { launch, message }),
        (
            "launch-not-carried-out",
            Event::LaunchNotCarriedOut {
                launch,
                assumed,
                reason: None,
            },
        ),
        ("launch-given-up", Event::LaunchGivenUp { launch, reason }),
    ]
}

fn followings() -> Vec<Named> {
    let launch = LaunchId(3);
    let live = LiveInstance {
        server: ServerId::new("s-1"),
        instance: InstanceId::new("i-0123456789abcdef0"),
    };
    let judgement = |result, instance| Judgement {
        server: ServerId::new("s-1"),
        result,
        instance,
    };
    let tripped = Event::GuardTripped {
        wave: 1,
        instances: vec![live],
    };
    let unreadable = Event::GuardUnreadable {
        wave: 1,
        message: why(),
    };
    let judged = Event::ServersJudged {
        launch,
        results: vec![
            judgement(ServerResult::Launched, instances().pop()),
            judgement(ServerResult::Failed { reason: why() }, None),
        ],
    };
    let found = Event::InstancesFound {
        launch,
        instances: BTreeMap::from([(ServerId::new("s-1"), InstanceId::new("i-1"))]),
    };
    vec![
        ("guard-tripped", tripped),
        ("guard-unreadable", unreadable),
        ("servers-judged", judged),
        ("instances-found", found),
        ("job-ended", Event::JobEnded { launch }),
        ("wave-timed-out", Event::WaveTimedOut { wave: 1 }),
        ("execution-timed-out", Event::ExecutionTimedOut),
    ]
}

fn requests() -> Vec<Named> {
    let pause = |before| Event::PauseRequested {
        before,
        reason: why(),
    };
    let retried = Event::RetryRequested {
        wave: 1,
        servers: vec![ServerId::new("s-2")],
        reason: why(),
    };
    let paused = Event::WavePaused {
        wave: 1,
        reason: why(),
    };
    let skipped = Event::SkipRequested {
        wave: 1,
        reason: why(),
    };
    vec![
        ("pause-requested", pause(None)),
        ("pause-before-requested", pause(Some(1))),
        ("wave-paused", paused),
        ("resume-requested", Event::ResumeRequested { reason: why() }),
        ("retry-requested", retried),
        ("skip-requested", skipped),
        (
            "preempted-by",
            Event::PreemptedBy {
                execution: ExecutionId::new("x-02"),
            },
        ),
        (
            "wave-skipped",
            Event::WaveFinished {
                wave: 1,
                outcome: WaveOutcome::Skipped,
            },
        ),
        (
            "partial",
            Event::ExecutionFinished {
                outcome: Outcome::Partial,
                summary: why(),
            },
        ),
    ]
}

/// What a person answers for: launches that were not sent, guards that cannot be read.
fn words() -> Vec<Named> {
    let assumed = Event::LaunchNotCarriedOut {
        launch: LaunchId(3),
        assumed: true,
        reason: Some(why()),
    };
    let forced = Event::GuardForced {
        wave: 1,
        guard: Guard::LiveInstances,
        message: why(),
    };
    let (mut started, _) = beginning(&[("db", &["s-1"])]);
    started.mode = Mode::Recovery;
    started.force_unknown = vec![Guard::LiveInstances];
    let unchecked = |guard| Unchecked {
        guard,
        reason: why(),
    };
    started.unchecked = vec![
        unchecked(Guard::Leases),
        unchecked(Guard::RunningExecution),
        unchecked(Guard::RunNumber),
    ];
    vec![
        ("launch-assumed-not-sent", assumed),
        ("guard-forced", forced),
        (
            "started-without-guards",
            Event::ExecutionStarted(Box::new(started)),
        ),
    ]
}

fn endings() -> Vec<Named> {
    let wave = |outcome| Event::WaveFinished { wave: 1, outcome };
    let whole = |outcome| Event::ExecutionFinished {
        outcome,
        summary: why(),
    };
    vec![
        ("wave-completed", wave(WaveOutcome::Completed)),
        ("wave-failed", wave(WaveOutcome::Failed)),
        ("wave-late", wave(WaveOutcome::TimedOut)),
        ("wave-not-launched", wave(WaveOutcome::NotLaunched)),
        ("cancel-requested", Event::CancelRequested { reason: why() }),
        ("completed", whole(Outcome::Completed)),
        ("failed", whole(Outcome::Failed)),
        ("cancelled", whole(Outcome::Cancelled)),
        ("timed-out", whole(Outcome::TimedOut)),
        ("result-delivered", Event::ResultDelivered),
    ]
}

/// What came with failure policies.
pub(super) fn policies() -> Vec<Named> {
    let (mut started, mut frozen) = beginning(&[("db", &["s-1"]), ("web", &["s-2"])]);
    frozen.waves[0][0].critical = true;
    started.resolution_digest = frozen.digest();
    started.waves[0].policy.success = Success::Critical;
    started.waves[0].policy.on_failure = AfterFailure::Pause;
    started.waves[1].policy.success = Success::Percent(80);
    started.waves[1].policy.on_failure = AfterFailure::Continue;
    started.waves[1].policy.retries = 3;
    let retried = Event::ServersRetried {
        wave: 1,
        servers: ids(&["s-2"]),
    };
    let partial = Event::WaveFinished {
        wave: 1,
        outcome: WaveOutcome::Partial,
    };
    let ended = Event::ExecutionFinished {
        outcome: Outcome::Partial,
        summary: why(),
    };
    vec![
        (
            "started-with-policies",
            Event::ExecutionStarted(Box::new(started)),
        ),
        ("servers-retried", retried),
        ("wave-partial", partial),
        ("ended-partial", ended),
    ]
}

fn terminations() -> Vec<Named> {
    let intended = Event::TerminationIntended {
        target: target(),
        instances: instances(),
    };
    let accepted = Event::TerminationAccepted {
        target: target(),
        instances: instances(),
        job: Some(JobId::new("drsjob-1")),
    };
    let gone = Event::InstancesGone {
        instances: instances(),
    };
    let finished = Event::TerminationFinished {
        left: instances(),
        reason: Some(why()),
    };
    vec![
        (
            "termination-requested",
            Event::TerminationRequested { reason: why() },
        ),
        ("termination-intended", intended),
        ("termination-accepted", accepted),
        ("instances-gone", gone),
        ("termination-finished", finished),
        ("halted", Event::Halted { reason: why() }),
    ]
}
