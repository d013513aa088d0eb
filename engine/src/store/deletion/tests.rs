//! What is left of a history that was deleted.

use serde_json::json;

use super::*;
use crate::begin::tests::{begin, process, stage, wait};
use crate::drive::Unwatched;
use crate::event::{Author, Event};
use crate::store::executions::AppendError;
use crate::store::projection::Projection;
use crate::testing::{at_once, start};

fn deletion(reason: &str) -> Deletion {
    Deletion {
        at: start(),
        by: "arn:aws:iam::111122223333:user/ada".to_owned(),
        reason: reason.to_owned(),
    }
}

#[test]
fn a_deleted_history_leaves_a_tombstone_and_nothing_else() {
    let (hub, memory) = stage();
    let id = ExecutionId::new("x-1");
    let executions = Executions::new(memory.clone());
    let missing = at_once(executions.delete(&id, &deletion("too early")));
    let gone = HistoryError::Missing(id.clone());
    assert_eq!(missing, Err(DeleteError::History(gone)));

    let driver = process(&hub, &memory, "o-1");
    let driver = wait(&hub, async move {
        driver
            .begin_execution(&begin("x-1", json!({})))
            .await
            .unwrap();
        driver
    });
    let live = at_once(executions.delete(&id, &deletion("too early")));
    assert_eq!(live, Err(DeleteError::Live(id.clone())));
    let reason = "a test".to_owned();
    let state = wait(&hub, async move {
        let id = ExecutionId::new("x-1");
        let by = Author::Operator("arn".to_owned());
        let event = Event::CancelRequested { reason };
        driver.request(&id, by, event, &Unwatched).await.unwrap();
        driver.drive(&id, &Unwatched).await.unwrap().0
    });

    let events = at_once(executions.load(&id)).unwrap().events;
    let deleted = at_once(executions.delete(&id, &deletion("names of people")));
    assert_eq!(deleted, Ok(deletion("names of people")));
    let again = at_once(executions.delete(&id, &deletion("once more")));
    assert_eq!(again, Ok(deletion("names of people")), "the first stays");
    let left = memory
        .all()
        .into_iter()
        .filter(|item| item.key.partition == "x-1");
    assert_eq!(left.count(), 1);

    let error = at_once(executions.load(&id)).unwrap_err();
    assert!(matches!(error, HistoryError::Deleted { .. }), "{error}");
    insta::assert_snapshot!(error.to_string());
    let projection = Projection::of(&state, &events[..1]);
    let late = executions.append(&id, state.seq, &events[..1], &projection);
    assert!(matches!(
        at_once(late),
        Err(AppendError::History(HistoryError::Deleted { .. }))
    ));
}

#[test]
fn half_a_deleted_history_is_never_read_as_a_shorter_one() {
    let (hub, memory) = stage();
    let driver = process(&hub, &memory, "o-1");
    wait(&hub, async move {
        driver
            .begin_execution(&begin("x-1", json!({})))
            .await
            .unwrap();
        let by = Author::Operator("arn".to_owned());
        let reason = "a test".to_owned();
        let event = Event::CancelRequested { reason };
        let id = ExecutionId::new("x-1");
        driver.request(&id, by, event, &Unwatched).await.unwrap();
        driver.drive(&id, &Unwatched).await.unwrap();
    });
    let id = ExecutionId::new("x-1");
    let executions = Executions::new(memory.clone());
    at_once(executions.bury(&id, &deletion("cut short"))).unwrap();
    assert!(matches!(
        at_once(executions.load(&id)),
        Err(HistoryError::Deleted { .. })
    ));
    at_once(executions.delete(&id, &deletion("again"))).unwrap();
    let left = memory
        .all()
        .into_iter()
        .filter(|item| item.key.partition == "x-1");
    assert_eq!(left.count(), 1);
}
