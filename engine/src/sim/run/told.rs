//! The judge of notices and lifetimes: what the topics of the world have, against what the histories say; and that nothing
//! of a drill outlives its time.

use std::collections::BTreeMap;

use crate::event::{Event, NoticeId};
use crate::ids::ServerId;
use crate::limits;
use crate::plan::NoticeKind;
use crate::sim::drs::lock;
use crate::sim::world::Caller;
use crate::state::{NoticePhase, State};

use super::judge::History;
use super::{OURS, Run};

/// Judges every history, and panics with the reason when a rule was broken.
pub(super) fn judge_told(run: &Run, histories: &[History]) {
    let published = published(run);
    for history in histories {
        check_kinds(history);
        let state = &history.state;
        for (id, notice) in &state.notices.all {
            let key = key(state, id);
            let times = published.get(&key).copied().unwrap_or(0);
            if times > 1 {
                run.hub.count("notices that came twice");
            }
            match notice.phase {
                NoticePhase::Sent { .. } => {
                    assert!(times > 0, "no topic has {key:?}");
                    run.hub.count("notices sent");
                }
                NoticePhase::GivenUp { .. } => run.hub.count("notices given up"),
                NoticePhase::Due | NoticePhase::Failed { .. } => panic!("{key:?} is due for ever"),
            }
            assert!(notice.failures <= limits::NOTICE_TRIES, "{key:?}");
        }
        check_lifetime(run, state);
    }
    let marked = run.context.memory.all();
    let marked = marked
        .iter()
        .filter(|item| item.key.sort.as_deref() == Some("sweep"));
    assert_eq!(marked.count(), 0, "something is left to be swept");
}

/// Names a notice for the topics of the world.
fn key(state: &State, id: &NoticeId) -> (String, String) {
    let notice = format!("{}/{}", state.started.execution_id, id.event);
    (id.topic.clone(), notice)
}

/// How often each topic was given each notice.
fn published(run: &Run) -> BTreeMap<(String, String), u32> {
    let world = lock(&run.context.world);
    let mut counts = BTreeMap::new();
    let calls = world.stub_calls();
    for call in calls.filter(|call| call.operation == "sns:Publish" && call.error.is_none()) {
        let text = |at: &str| {
            let found = call.input.pointer(at).and_then(|found| found.as_str());
            found.unwrap_or_default().to_owned()
        };
        let key = (text("/TopicArn"), text("/MessageAttributes/notice_id"));
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// Every topic is told of the start, of each pause, and of the end, as far as that was chosen. The fold says so, too; this
/// does not ask it.
fn check_kinds(history: &History) {
    let Some(chosen) = &history.state.started.notifications else {
        assert!(history.state.notices.all.is_empty());
        return;
    };
    let mut expected: BTreeMap<NoticeKind, usize> = BTreeMap::new();
    let mut paused = false;
    for recorded in &history.events {
        let kind = match &recorded.event {
            Event::ExecutionStarted(_) => NoticeKind::Started,
            Event::WavePaused { .. } => NoticeKind::Paused,
            Event::PauseRequested { before: None, .. } if !paused => {
                paused = true;
                NoticeKind::Paused
            }
            Event::ExecutionFinished { .. } => NoticeKind::Finished,
            Event::ResumeRequested { .. } => {
                paused = false;
                continue;
            }
            _ => continue,
        };
        if chosen.events.contains(&kind) {
            *expected.entry(kind).or_default() += chosen.topics.len();
        }
    }
    let mut found: BTreeMap<NoticeKind, usize> = BTreeMap::new();
    for notice in history.state.notices.all.values() {
        *found.entry(notice.kind).or_default() += 1;
    }
    let degraded = found.remove(&NoticeKind::Degraded).unwrap_or(0);
    assert_eq!(found, expected, "{}", history.state.started.execution_id);
    assert!(degraded <= history.state.waves.len() * chosen.topics.len());
}

/// Nothing that a drill launched is there once its lifetime has passed and somebody has swept.
fn check_lifetime(run: &Run, state: &State) {
    if state.lifetime_ends().is_none() {
        return;
    }
    run.hub.count("drills with a lifetime");
    assert!(state.is_clean(), "{}", state.started.execution_id);
    for target in state.targets() {
        let servers: Vec<ServerId> = state.servers_with_jobs(&target);
        if servers.is_empty() {
            continue;
        }
        let who = Caller {
            account_id: target.account_id.clone(),
            arn: OURS.to_owned(),
        };
        let input = serde_json::json!({"filters": {"sourceServerIDs": servers}});
        let at = run.hub.both().world;
        let mut world = lock(&run.context.world);
        let reply = world.call(
            at,
            &who,
            &target.region,
            "DescribeRecoveryInstances",
            &input,
        );
        let items = reply.expect("it can be looked at").body;
        let items = items.map_or(serde_json::Value::Null, |body| body["items"].clone());
        for item in items.as_array().into_iter().flatten() {
            let job = item["jobID"].as_str().unwrap_or_default();
            let is_own = state.own_jobs().any(|own| own.as_str() == job);
            assert!(!is_own, "{item} outlives its drill");
        }
    }
}
