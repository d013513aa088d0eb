//! One small scenario, disturbed at every gate that it has: nothing is left to chance here.

use jiff::SignedDuration;

use super::ask::{Ask, ask_later};
use super::chance::{fleet, group, healthy, server_id};
use super::judge::{Verdict, histories, judge};
use super::*;
use crate::event::Outcome;
use crate::ids::ServerId;
use crate::plan::WaveSpec;
use crate::sim::fleet::{
    ExistingInstance, FaultPhase, LaunchFault, Region, Server, Settings as World,
};
use crate::state::{ServerStatus, Status};
use crate::store::group::Selection;

mod blind;
pub(super) mod preempted;
mod told;

/// Steps after which a scenario this small must have ended.
const ENOUGH: u64 = 20_000;

/// A database of two servers and a web server after it, beside a server that is none of the plan's business.
fn shop() -> Scenario {
    let mut other = healthy(9);
    other.recovery_instance = Some(ExistingInstance {
        is_drill: true,
        termination_protected: false,
    });
    let servers: Vec<Server> = (0..3).map(healthy).chain([other]).collect();
    let settings = World {
        shorten: 10.0,
        ..World::default()
    };
    let ids = |numbers: &[u64]| {
        let ids = numbers.iter().map(|number| server_id(*number));
        Selection::Servers(ids.map(ServerId::new).collect())
    };
    let wave = |name: &str, group: &str| WaveSpec {
        name: name.to_owned(),
        protection_group_ids: vec![GroupId::new(group)],
        ..WaveSpec::default()
    };
    Scenario {
        fleet: fleet(servers, settings),
        groups: vec![
            (GroupId::new("g-0"), group(0, ids(&[0, 1]))),
            (GroupId::new("g-1"), group(1, ids(&[2]))),
        ],
        plan: PlanSpec {
            name: "shop".to_owned(),
            waves: vec![wave("db", "g-0"), wave("web", "g-1")],
            ..PlanSpec::default()
        },
        mode: Mode::Drill,
        max_lifetime: None,
        only: Only::default(),
        force_unknown: Vec::new(),
        failover: None,
        speed: 1,
        manners: Manners {
            jobs_hidden_for: SignedDuration::from_secs(20),
            refuses_tags: false,
            hides_instances: false,
            topics_hang: false,
        },
        terminates: true,
        cancelled_after: None,
        asks: Vec::new(),
        points: super::points::Wanted::Latest,
        strangers: Vec::new(),
        skewed: false,
        ruthless: 0,
        hosted: 0,
    }
}

/// How many steps one process makes when nothing disturbs it.
fn steps_of(scenario: &Scenario) -> u64 {
    let (steps, verdict) = steps_to_the_end(scenario);
    let waves = scenario.plan.waves.len() as u64;
    assert_eq!((verdict.executions, verdict.launches), (1, waves));
    steps
}

/// The same, and what came of them.
fn steps_to_the_end(scenario: &Scenario) -> (u64, Verdict) {
    let mut run = Run::new(scenario.clone(), 7);
    run.spawn();
    for steps in 0..ENOUGH {
        if run.scheduler.run(1, |_, _| {}) == Stopped::AllEnded {
            return (steps, judge(&run));
        }
    }
    panic!("it does not end");
}

/// Makes the first steps with one process, disturbs it, and lets everybody come to an end.
fn disturb(scenario: &Scenario, at: u64, disturb: impl FnOnce(&mut Run, TaskId)) -> (Run, Verdict) {
    let mut run = Run::new(scenario.clone(), 7);
    let first = run.spawn();
    run.scheduler.run(at, |_, _| {});
    disturb(&mut run, first);
    assert_eq!(
        run.scheduler.run(ENOUGH, |_, _| {}),
        Stopped::AllEnded,
        "disturbed at step {at}, it does not end"
    );
    let verdict = judge(&run);
    (run, verdict)
}

/// The one execution there was.
fn only(run: &Run) -> State {
    let mut histories = histories(run);
    assert_eq!(histories.len(), 1);
    histories.remove(0).state
}

#[test]
fn a_crash_at_any_gate_costs_no_launch_and_no_result() {
    for scenario in [shop(), without_tags(), in_two_places()] {
        let steps = steps_of(&scenario);
        let mut adoptions = 0;
        for at in 0..steps {
            let (run, verdict) = disturb(&scenario, at, |run, first| {
                run.scheduler.kill(first);
                run.spawn();
            });
            assert_eq!(verdict.launches, 2, "crashed at step {at}");
            let state = only(&run);
            assert_eq!(state.status, Status::Ended(Outcome::Completed), "{at}");
            let termination = state.termination.expect("it was asked for");
            assert_eq!(termination.gone.len(), 3, "crashed at step {at}");
            assert!(state.delivered, "crashed at step {at}");
            adoptions += verdict.adoptions;
        }
        println!("crashes {steps}, adoptions {adoptions}");
        assert!(adoptions > 0, "no crash fell between a call and its answer");
    }
}

/// The web server fails twice, and may be launched again twice.
#[test]
fn a_crash_at_any_gate_costs_no_retry_and_adds_none() {
    let mut tagged = shop();
    for server in &mut tagged.fleet.accounts[0].regions[0].servers {
        if server.id == Some(server_id(2)) {
            let fault = |phase| LaunchFault {
                phase,
                raw_error: None,
            };
            server.faults = vec![fault(FaultPhase::Capacity), fault(FaultPhase::Snapshot)];
        }
    }
    tagged.plan.waves[1].retries = Some(2);
    let mut untagged = tagged.clone();
    untagged.manners.refuses_tags = true;
    for scenario in [tagged, untagged] {
        let steps = steps_to_the_end(&scenario).0;
        for at in 0..steps {
            let (run, verdict) = disturb(&scenario, at, |run, first| {
                run.scheduler.kill(first);
                run.spawn();
            });
            assert_eq!(verdict.launches, 4, "crashed at step {at}");
            let state = only(&run);
            assert_eq!(state.status, Status::Ended(Outcome::Completed), "{at}");
            let server = &state.servers[&ServerId::new(server_id(2))];
            assert_eq!(server.retries, 2, "crashed at step {at}");
        }
    }
}

/// The shop with the web server in another Region and waiting for nothing, so that both launches are made together.
fn in_two_places() -> Scenario {
    let mut scenario = shop();
    let elsewhere = Target {
        region: "us-west-2".to_owned(),
        ..target()
    };
    let regions = &mut scenario.fleet.accounts[0].regions;
    let (web, here) = regions[0]
        .servers
        .drain(..)
        .partition(|server| server.id == Some(server_id(2)));
    regions[0].servers = here;
    regions.push(Region::with(&elsewhere.region, web));
    scenario.groups[1].1.target = elsewhere;
    scenario.plan.waves[1].depends_on_waves = Some(Vec::new());
    scenario
}

fn without_tags() -> Scenario {
    let mut scenario = shop();
    scenario.manners.refuses_tags = true;
    scenario
}

#[test]
fn an_owner_that_sleeps_at_any_gate_for_longer_than_the_fence_launches_nothing_twice() {
    sleep_at_every_gate();
}

/// An owner sleeps, at each gate in turn, for less and for more than the fence, and comes back.
pub(super) fn sleep_at_every_gate() {
    let scenario = shop();
    let mut takeovers = 0;
    for at in 0..steps_of(&scenario) {
        for minutes in [4, 16] {
            let (run, verdict) = disturb(&scenario, at, |run, first| {
                let pause = SignedDuration::from_mins(minutes);
                let until = after(run.hub.now(), pause);
                run.hub.set_asleep(first, Some(until));
                run.spawn();
            });
            // One that slept just before it began may begin a run of its own when the other is over.
            assert!(verdict.executions <= 2, "slept {minutes} m at step {at}");
            assert_eq!(
                verdict.launches,
                2 * verdict.executions,
                "slept {minutes} m at step {at}"
            );
            for history in histories(&run) {
                assert_eq!(history.state.status, Status::Ended(Outcome::Completed));
            }
            takeovers += verdict.takeovers;
        }
    }
    assert!(takeovers > 0, "nobody took over");
}

/// What came of one drive: who owned the execution at its end, and why it returned.
type Driven = Arc<Mutex<Option<Result<(Option<OwnerId>, Ending), DriveError>>>>;

/// A process that looks once for something to drive, drives it once, and tells what came of that.
fn spawn_one_drive(run: &mut Run, number: u64) -> (TaskId, Driven) {
    let driven = Driven::default();
    let result = Arc::clone(&driven);
    let task = run.scheduler.next_task();
    let process = Process::new(run.context.clone(), task, number);
    run.scheduler.spawn(Box::pin(async move {
        let Ok(Found::Drivable(id)) = process.find_or_begin(0).await else {
            return;
        };
        let taken = process.driver.take_over(&id, &process.watch).await;
        if taken.is_ok() {
            let ended = process.driver.drive(&id, &process.watch).await;
            let ended = ended.map(|(state, ending)| (state.owner.map(|owner| owner.id), ending));
            *result.lock().unwrap() = Some(ended);
        }
    }));
    (task, driven)
}

/// The order of what is appended keeps a process that was replaced from writing on what it has not read. Once it has read
/// that it was replaced, only its own look at the owner keeps it from going on.
#[test]
fn an_owner_that_was_replaced_while_it_slept_at_any_gate_sees_it_and_stops() {
    let mut replaced = 0;
    for at in 0..steps_of(&shop()) {
        let mut run = Run::new(shop(), 7);
        let (sleeper, driven) = spawn_one_drive(&mut run, 1_000);
        run.scheduler.run(at, |_, _| {});
        let until = after(run.hub.now(), SignedDuration::from_mins(4));
        run.hub.set_asleep(sleeper, Some(until));
        run.spawn();
        assert_eq!(run.scheduler.run(ENOUGH, |_, _| {}), Stopped::AllEnded);
        judge(&run);
        match driven.lock().unwrap().take() {
            Some(Ok((owner, Ending::OwnedBy(other)))) => {
                assert_eq!(owner, Some(other.id), "slept at step {at}");
                replaced += 1;
            }
            Some(Ok((owner, Ending::Done))) => {
                let own = Some(OwnerId::new("o-1000"));
                assert_eq!(owner, own, "slept at step {at}, and went on");
            }
            Some(other) => panic!("slept at step {at}: {other:?}"),
            // It slept before it had anything to drive.
            None => {}
        }
    }
    assert!(replaced > 0, "nobody was replaced");
}

#[test]
fn a_drill_deletes_no_recovery_that_comes_at_any_gate() {
    let mut scenario = shop();
    scenario.terminates = false;
    scenario.plan.waves.remove(0);
    let mut stopped = 0;
    for at in 0..steps_of(&scenario) {
        for minutes in [0, 4, 16] {
            let (run, verdict) = disturb(&scenario, at, |run, first| {
                let clock = SimClock {
                    hub: run.hub.clone(),
                    task: run.scheduler.next_task(),
                };
                let stranger = Stranger {
                    after: 0,
                    place: target(),
                    servers: vec![server_id(2)],
                    is_drill: false,
                    counted: "launches of strangers",
                };
                let context = run.context.clone();
                run.scheduler
                    .spawn(Box::pin(launch_past_us(context, clock, stranger)));
                if minutes > 0 {
                    let until = after(run.hub.now(), SignedDuration::from_mins(minutes));
                    run.hub.set_asleep(first, Some(until));
                }
            });
            // The judge has looked into the world for recoveries that were deleted.
            assert!(verdict.launches <= 1);
            stopped += u64::from(matches!(
                histories(&run).first().map(|history| &history.state.stop),
                Some(Some(crate::state::Stop::Guard { .. }))
            ));
        }
    }
    assert!(stopped > 0, "the guard never had anything to do");
}

#[test]
fn an_owner_that_slept_after_its_intent_sends_nothing_that_its_guard_did_not_see() {
    let mut scenario = shop();
    scenario.terminates = false;
    let mut run = Run::new(scenario, 7);
    let first = run.spawn();
    let is_intended = |run: &Run| {
        let found = histories(run);
        let state = found.first().map(|history| &history.state);
        state.is_some_and(|state| state.unresolved().next().is_some())
    };
    while !is_intended(&run) {
        assert_ne!(run.scheduler.run(1, |_, _| {}), Stopped::AllEnded);
    }
    // Less than the age at which AWS refuses the request, and longer than a launch takes in this world.
    let until = after(run.hub.now(), SignedDuration::from_mins(4));
    run.hub.set_asleep(first, Some(until));
    let stranger = Stranger {
        after: 0,
        place: target(),
        servers: vec![server_id(0)],
        is_drill: false,
        counted: "launches of strangers",
    };
    let clock = SimClock {
        hub: run.hub.clone(),
        task: run.scheduler.next_task(),
    };
    let context = run.context.clone();
    run.scheduler
        .spawn(Box::pin(launch_past_us(context, clock, stranger)));
    assert_eq!(run.scheduler.run(ENOUGH, |_, _| {}), Stopped::AllEnded);
    // The judge looks for recoveries that were deleted.
    assert_eq!(judge(&run).launches, 0);
    assert!(matches!(
        only(&run).stop,
        Some(crate::state::Stop::Guard { .. })
    ));
}

#[test]
fn a_cancel_at_any_gate_launches_no_more_and_terminates_what_was_launched() {
    let scenario = shop();
    let mut cancelled = 0;
    for at in 0..steps_of(&scenario) {
        let (run, _) = disturb(&scenario, at, |run, _| {
            let task = run.scheduler.next_task();
            let process = Process::new(run.context.clone(), task, 1_000);
            run.scheduler
                .spawn(Box::pin(ask_later(process, 0, Ask::Cancel)));
        });
        let state = only(&run);
        cancelled += u64::from(state.status == Status::Ended(Outcome::Cancelled));
        let asked = state.stop.is_some();
        assert!(
            asked || state.status == Status::Ended(Outcome::Completed),
            "cancelled at step {at}: {:?}",
            state.status
        );
        let launched = state
            .servers
            .values()
            .filter(|server| server.status == ServerStatus::Launched)
            .count();
        let gone = state.termination.map_or(0, |ended| ended.gone.len());
        assert_eq!(gone, launched, "cancelled at step {at}");
    }
    assert!(cancelled > 0, "no cancel came in time");
}

#[test]
fn a_termination_leaves_the_instances_of_others_alone() {
    let (run, _) = disturb(&shop(), 0, |_, _| {});
    let input = serde_json::json!({"filters": {"sourceServerIDs": [server_id(9)]}});
    let reply = crate::sim::drs::lock(&run.context.world)
        .call(
            run.hub.both().world,
            &caller(OURS),
            &target().region,
            "DescribeRecoveryInstances",
            &input,
        )
        .expect("it can be looked at");
    let items = reply.body.expect("it has a body")["items"].clone();
    assert_eq!(items.as_array().map(Vec::len), Some(1));
}

#[test]
fn an_operator_who_knows_that_nothing_was_sent_need_not_wait_for_the_fence() {
    let scenario = shop();
    let mut run = Run::new(scenario, 7);
    let first = run.spawn();
    for _ in 0..ENOUGH {
        run.scheduler.run(1, |_, _| {});
        if histories(&run)
            .first()
            .is_some_and(|history| history.state.unresolved().count() > 0)
        {
            break;
        }
    }
    run.scheduler.kill(first);
    let before = run.hub.now();
    let state = only(&run);
    let task = run.scheduler.next_task();
    let operator = Process::new(run.context.clone(), task, 1_000);
    run.scheduler.spawn(Box::pin(async move {
        let launch = state.unresolved().next().expect("it is open").0;
        let event = Event::LaunchNotCarriedOut {
            launch,
            assumed: true,
            reason: Some("the process was killed before it called".to_owned()),
        };
        let by = Author::Operator("arn:aws:iam::111122223333:user/ada".to_owned());
        let id = &state.started.execution_id;
        let asked = operator.driver.request(id, by, event, &operator.watch);
        asked.await.expect("it fits");
    }));
    run.spawn();
    assert_eq!(run.scheduler.run(ENOUGH, |_, _| {}), Stopped::AllEnded);
    assert_eq!(judge(&run).launches, 2);
    assert_eq!(only(&run).status, Status::Ended(Outcome::Completed));
    let fence = limits::launch_fence(limits::SIGNATURE_AGE);
    assert!(run.hub.now().duration_since(before) < fence);
}
