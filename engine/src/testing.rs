//! Small histories for the tests of this crate: written down event by event, on a clock that the test moves.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use jiff::{SignedDuration, Timestamp};

use crate::decide::view::Survey;
use crate::decide::{Command, Decision, Settings, View, actions, decide};
use crate::event::{
    Acceptance, ActionIntent, ActionResult, Author, Event, FrozenWave, Intent, Judgement, LaunchId,
    Mode, Recorded, Remedy, ServerResult, Started,
};
use crate::frozen::{Frozen, FrozenServer};
use crate::ids::{ExecutionId, GroupId, InstanceId, JobId, OwnerId, PlanId, ServerId, Target};
use crate::limits::{self, Quotas};
use crate::plan::{Consequence, Hook, LaunchOrder, Policy};
use crate::ports::{Action, ActionRun};
use crate::state::State;
use crate::time::Now;

/// Waits for something that never has to wait.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut polling = std::task::Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut polling) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// When every history begins: 10:00 UTC.
pub(crate) fn start() -> Timestamp {
    "2026-03-01T10:00:00Z".parse().unwrap()
}

pub(crate) fn target() -> Target {
    Target {
        account_id: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
    }
}

pub(crate) fn ids(names: &[&str]) -> Vec<ServerId> {
    names.iter().map(|name| ServerId::new(*name)).collect()
}

/// A wave with these servers, after the wave before it.
pub(crate) fn wave(index: usize, name: &str, servers: usize) -> FrozenWave {
    FrozenWave {
        name: name.to_owned(),
        depends_on: index.checked_sub(1).into_iter().collect(),
        order: LaunchOrder::Parallel,
        max_in_flight: None,
        wait: SignedDuration::ZERO,
        timeout: limits::WAVE_TIMEOUT,
        servers,
        pause_before: false,
        policy: Policy::default(),
        checks: None,
        before_hooks: Vec::new(),
        after_hooks: Vec::new(),
    }
}

/// A hook that invokes a function, and whose failure counts.
pub(crate) fn hook(name: &str) -> Hook {
    Hook {
        name: name.to_owned(),
        action: Action::Lambda {
            function: format!("run-{name}"),
        },
        account_id: Some(target().account_id),
        region: Some(target().region),
        timeout: limits::HOOK_TIMEOUT,
        on_failure: Consequence::Fail,
    }
}

/// A history that is being told.
#[derive(Clone, Debug)]
pub(crate) struct Tale {
    pub(crate) state: State,
    pub(crate) log: Vec<Recorded>,
    pub(crate) view: View,
    pub(crate) now: Now,
}

/// Everything that a history begins with, for tests that change some of it.
pub(crate) fn beginning(waves: &[(&str, &[&str])]) -> (Started, Frozen) {
    let server = |name: &&str| FrozenServer {
        id: ServerId::new(*name),
        hostname: format!("host-{name}"),
        group: GroupId::new("g-1"),
        target: target(),
        critical: false,
        snapshot: None,
        windows: false,
    };
    let frozen = Frozen {
        waves: waves
            .iter()
            .map(|(_, servers)| servers.iter().map(server).collect())
            .collect(),
    };
    let started = Started {
        execution_id: ExecutionId::new("x-1"),
        plan_id: PlanId::new("p-1"),
        plan_name: "shop".to_owned(),
        plan_digest: "d".to_owned(),
        mode: Mode::Drill,
        waves: waves
            .iter()
            .enumerate()
            .map(|(index, (name, servers))| wave(index, name, servers.len()))
            .collect(),
        resolution_digest: frozen.digest(),
        timeout: None,
        origin: "terraform".to_owned(),
        inputs: BTreeMap::new(),
        replace_live_instances: false,
        only: crate::only::Only::default(),
        points: crate::point::RecoveryPoint::default(),
        preempted: Vec::new(),
        force_unknown: Vec::new(),
        unchecked: Vec::new(),
    };
    (started, frozen)
}

impl Tale {
    /// A history with these waves and servers, owned by `o-1`.
    pub(crate) fn new(waves: &[(&str, &[&str])]) -> Self {
        Self::with(waves, |_| {})
    }

    /// The same, with something of the beginning changed.
    pub(crate) fn with(waves: &[(&str, &[&str])], change: impl FnOnce(&mut Started)) -> Self {
        let (mut started, frozen) = beginning(waves);
        change(&mut started);
        Self::of(started, frozen)
    }

    pub(crate) fn of(started: Started, frozen: Frozen) -> Self {
        let now = Now {
            world: start(),
            wall: start(),
        };
        let first = Recorded {
            seq: 1,
            now,
            author: Author::Operator("arn:aws:iam::111122223333:user/ada".to_owned()),
            event: Event::ExecutionStarted(Box::new(started)),
        };
        let mut tale = Self {
            state: State::new(Arc::new(frozen), &first).unwrap(),
            log: vec![first],
            view: View::default(),
            now,
        };
        tale.tell(Event::OwnerTaken {
            owner: OwnerId::new("o-1"),
            host: "alpha".to_owned(),
            previous: None,
        });
        tale
    }

    /// Lets seconds pass on both clocks.
    pub(crate) fn pass(&mut self, seconds: i64) -> &mut Self {
        let span = SignedDuration::from_secs(seconds);
        self.now.world = crate::time::after(self.now.world, span);
        self.now.wall = crate::time::after(self.now.wall, span);
        self
    }

    /// The owner records an event that fits.
    pub(crate) fn tell(&mut self, event: Event) -> &mut Self {
        let recorded = self.next("o-1", event);
        self.state.apply(&recorded).unwrap();
        self.log.push(recorded);
        self
    }

    /// The owner records an event that does not fit; the state is left as it was.
    pub(crate) fn refuse(&mut self, event: Event) -> String {
        let recorded = self.next("o-1", event);
        let before = format!("{:?}", self.state);
        let error = self.state.apply(&recorded).unwrap_err();
        assert_eq!(
            before,
            format!("{:?}", self.state),
            "a refused event left a trace"
        );
        error.reason
    }

    /// An operator records an event.
    pub(crate) fn wish(&mut self, event: Event) -> &mut Self {
        let mut recorded = self.next("o-1", event);
        recorded.author = Author::Operator("arn:aws:iam::111122223333:user/bob".to_owned());
        self.state.apply(&recorded).unwrap();
        self.log.push(recorded);
        self
    }

    fn next(&self, owner: &str, event: Event) -> Recorded {
        Recorded {
            seq: self.state.seq + 1,
            now: self.now,
            author: Author::Owner(OwnerId::new(owner)),
            event,
        }
    }

    /// What is decided now.
    pub(crate) fn decide(&self) -> Decision {
        decide(&self.state, &self.view, self.now, &Settings::default())
    }

    /// Records whatever follows from time, and that nothing is known of recovery points, until something else is decided.
    pub(crate) fn settle(&mut self) -> Decision {
        for _ in 0..100 {
            let decision = self.decide();
            let events = match decision.command {
                Some(Command::Record(events)) => events,
                // DRS tells nothing of what servers were launched from.
                Some(Command::FindPoints(launches)) => launches
                    .into_iter()
                    .map(|launch| Event::PointsFound {
                        launch,
                        points: BTreeMap::new(),
                    })
                    .collect(),
                _ => return decision,
            };
            for event in events {
                self.tell(event);
            }
        }
        panic!("it never settles");
    }

    /// What is decided once everything was looked at that is due, and nothing new was seen.
    pub(crate) fn next_command(&mut self) -> Option<Command> {
        for _ in 0..10 {
            match self.settle().command {
                Some(Command::Survey(_)) => self.survey(|_| {}),
                Some(Command::Observe { target, .. }) => {
                    self.view.observed.insert(target, self.now.world);
                }
                other => return other,
            }
        }
        panic!("it looks for ever");
    }

    /// A look at the target that finds nothing else there, unless it is changed.
    pub(crate) fn survey(&mut self, change: impl FnOnce(&mut Survey)) {
        let mut survey = Survey {
            at: self.now.world,
            quotas: Quotas::default(),
            foreign_jobs: 0,
            foreign_servers: 0,
            busy: std::collections::BTreeSet::new(),
        };
        change(&mut survey);
        self.view.surveys.insert(target(), survey);
    }

    /// Intends the launch that is decided now, and returns its servers.
    pub(crate) fn intend(&mut self) -> (LaunchId, Vec<ServerId>) {
        let Some(Command::Launch(plan)) = self.next_command() else {
            panic!("no launch is due: {:?}", self.decide());
        };
        let intent = Intent {
            launch: plan.launch,
            wave: plan.wave,
            attempt: plan.attempt,
            target: plan.target,
            servers: plan.servers.clone(),
            signed_at: self.now.wall,
            tagged: plan.tagged,
        };
        self.tell(Event::LaunchIntended(Box::new(intent)));
        (plan.launch, plan.servers)
    }

    /// Intends the launch that is decided now; DRS takes it as `job-<launch>`.
    pub(crate) fn launch(&mut self) -> (LaunchId, Vec<ServerId>) {
        let (launch, servers) = self.intend();
        self.tell(Event::LaunchAccepted {
            launch,
            job: JobId::new(format!("job-{}", launch.0)),
            how: Acceptance::Answered,
        });
        (launch, servers)
    }

    /// Announces the hooks and checks that are to be begun now.
    pub(crate) fn begin_actions(&mut self) -> Vec<ActionIntent> {
        let Some(Command::BeginActions(plans)) = self.next_command() else {
            panic!("nothing is to be begun: {:?}", self.decide());
        };
        let intents = actions::intents(&self.state, plans);
        for intent in &intents {
            self.tell(Event::ActionIntended(Box::new(intent.clone())));
        }
        intents
    }

    /// They run.
    pub(crate) fn begun(&mut self, intents: &[ActionIntent]) {
        for intent in intents {
            let id = format!("run-{}", intent.action.0);
            self.tell(Event::ActionBegun {
                action: intent.action,
                run: ActionRun::Lambda { id },
            });
        }
    }

    /// They have done what they were asked to.
    pub(crate) fn succeeded(&mut self, intents: &[ActionIntent]) {
        for intent in intents {
            let output = Some("done".to_owned());
            self.tell(Event::ActionEnded {
                action: intent.action,
                result: ActionResult::Succeeded { output },
            });
        }
    }

    /// The look at them that is to be made now.
    pub(crate) fn look_at(&self, intents: &[ActionIntent]) -> Option<Command> {
        let ids = intents.iter().map(|intent| intent.action);
        Some(Command::LookAtActions(ids.collect()))
    }

    pub(crate) fn refused(&mut self, launch: LaunchId, code: &str, remedy: Remedy) {
        self.tell(Event::LaunchRefused {
            launch,
            code: code.to_owned(),
            message: "no".to_owned(),
            remedy,
        });
    }

    /// Every server of a launch is launched, as `i-<server>`, and its job ends.
    pub(crate) fn succeed(&mut self, launch: LaunchId, servers: &[ServerId]) {
        self.judge(launch, servers, None);
        self.tell(Event::JobEnded { launch });
    }

    /// Judges servers of a launch: failed for a reason, or launched.
    pub(crate) fn judge(&mut self, launch: LaunchId, servers: &[ServerId], failed: Option<&str>) {
        let results = servers.iter().map(|server| Judgement {
            server: server.clone(),
            result: match failed {
                None => ServerResult::Launched,
                Some(reason) => ServerResult::Failed {
                    reason: reason.to_owned(),
                },
            },
            instance: failed
                .is_none()
                .then(|| InstanceId::new(format!("i-{server}"))),
        });
        let results = results.collect();
        self.tell(Event::ServersJudged { launch, results });
    }

    /// Runs the rest without any trouble, and ends it.
    pub(crate) fn finish(&mut self) {
        for _ in 0..100 {
            match self.next_command() {
                Some(Command::Launch(_)) => {
                    let (launch, servers) = self.launch();
                    self.pass(600);
                    self.succeed(launch, &servers);
                }
                Some(other) => panic!("{other:?}"),
                None => return,
            }
        }
        panic!("it never ends");
    }
}
