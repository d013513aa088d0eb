//! Actions: validate, plan and invoke.
//!
//! A host takes a stream that ends without `completed` for a success, and crashes on an event that is
//! empty. So there is one place that makes events, and the stream ends itself with `completed`, whatever
//! becomes of the work.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use tfplugin_proto::tfplugin6::{self as pb, invoke_action::Event, invoke_action::event};
use tokio::task::JoinHandle;
use tokio_stream::Stream;
use tonic::{Request, Status};
use tracing::Instrument as _;

use super::{
    Service,
    codec::{Answer as _, decode_block, known},
    core::Call,
    crashed,
};
use crate::{
    action::{
        DynAction,
        progress::{Progress, Reader},
    },
    diagnostic::Diagnostics,
    provider::{Entry, Provider},
    schema::validate::validate,
    value::Value,
};

impl<P: Provider> Call<P> {
    pub(super) async fn validate_action_config(
        &self,
        request: pb::validate_action_config::Request,
    ) -> Result<pb::validate_action_config::Response, Diagnostics> {
        let entry = self.core.action(&request.type_name)?;
        let config = decode_block(request.config.as_ref(), &entry.schema.ty())?;
        let diagnostics = validated(&entry, &config).await?;
        Ok(pb::validate_action_config::Response::default().with(&diagnostics))
    }

    pub(super) async fn plan_action(
        &self,
        request: pb::plan_action::Request,
    ) -> Result<pb::plan_action::Response, Diagnostics> {
        let Entry { schema, item } = self.core.action(&request.action_type)?;
        let config = decode_block(request.config.as_ref(), &schema.ty())?;
        let diagnostics = item.plan(&self.context(), &config).await?;
        Ok(pb::plan_action::Response::default().with(&diagnostics))
    }

    async fn invoke_action(
        &self,
        cx: &crate::Context<P::Client>,
        request: pb::invoke_action::Request,
        progress: &Progress,
    ) -> Result<Diagnostics, Diagnostics> {
        let entry = self.core.action(&request.action_type)?;
        let config = known(decode_block(request.config.as_ref(), &entry.schema.ty())?)?;
        // What was unknown when the host asked for a validation has never been looked at. The warnings of
        // the rest have been shown.
        let found = validated(&entry, &config).await?;
        if found.has_errors() {
            return Err(found);
        }
        entry.item.invoke(cx, &config, progress).await
    }
}

async fn validated<C>(
    entry: &Entry<dyn DynAction<C>>,
    config: &Value,
) -> Result<Diagnostics, Diagnostics> {
    // Every host that knows actions knows write-only attributes too.
    let mut diagnostics = validate(&entry.schema, config, true);
    if !diagnostics.has_errors() {
        diagnostics.extend(entry.item.validate(config).await?);
    }
    Ok(diagnostics)
}

impl<P: Provider> Service<P> {
    /// Runs an action in a task of its own, which goes on when the host drops the stream.
    pub(super) fn invoke(&self, request: Request<pb::invoke_action::Request>) -> Events {
        let (progress, reader) = Progress::queue();
        let call = self.by(&request);
        let request = request.into_inner();
        // Taken before the host has its stream: a stop that comes right after must not be missed.
        let cx = call.context();
        let span = self.span("InvokeAction", &request.action_type);
        let work = async move {
            let began = Instant::now();
            let ended = call.invoke_action(&cx, request, &progress).await;
            let tf_req_duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::debug!(tf_req_duration_ms, "request served");
            let (Ok(diagnostics) | Err(diagnostics)) = ended;
            if progress.is_abandoned() {
                tracing::warn!(?diagnostics, "the action has ended, but its host is gone");
            }
            diagnostics
        };
        Events {
            progress: reader,
            work: Work::Runs(tokio::spawn(work.instrument(span))),
        }
    }
}

/// What an action says: any number of `progress`, then one `completed`.
pub(super) struct Events {
    progress: Reader,
    work: Work,
}

enum Work {
    Runs(JoinHandle<Diagnostics>),
    /// Ended, with what has not been said yet.
    Ended(Diagnostics),
    /// Everything has been said.
    Over,
}

impl Events {
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<event::Type>> {
        loop {
            if matches!(self.work, Work::Over) {
                return Poll::Ready(None);
            }
            if let Poll::Ready(message) = self.progress.poll(cx) {
                return Poll::Ready(Some(event::Type::Progress(event::Progress { message })));
            }
            match std::mem::replace(&mut self.work, Work::Over) {
                Work::Runs(mut task) => {
                    let polled = Pin::new(&mut task).poll(cx);
                    if polled.is_pending() {
                        self.work = Work::Runs(task);
                    }
                    let ended = ready!(polled);
                    // A panic and a task that was cut off arrive here like any other end.
                    let diagnostics =
                        ended.unwrap_or_else(|failure| crashed("InvokeAction", failure).into());
                    self.progress.close();
                    self.work = Work::Ended(diagnostics);
                }
                Work::Ended(diagnostics) => {
                    let diagnostics = diagnostics.to_wire();
                    let completed = event::Completed { diagnostics };
                    return Poll::Ready(Some(event::Type::Completed(completed)));
                }
                Work::Over => return Poll::Ready(None),
            }
        }
    }
}

impl Stream for Events {
    type Item = Result<Event, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.poll_event(cx));
        Poll::Ready(event.map(|event| {
            Ok(Event {
                r#type: Some(event),
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt as _;

    use super::*;

    async fn all(events: Events) -> Vec<event::Type> {
        let events: Vec<_> = events.collect().await;
        events
            .into_iter()
            .map(|event| event.unwrap().r#type.unwrap())
            .collect()
    }

    fn events(
        work: impl Future<Output = Diagnostics> + Send + 'static,
        progress: Reader,
    ) -> Events {
        Events {
            progress,
            work: Work::Runs(tokio::spawn(work)),
        }
    }

    #[tokio::test]
    async fn a_task_that_is_cut_off_completes_with_an_error() {
        let (progress, reader) = Progress::queue();
        progress.report("one");
        let events = events(std::future::pending(), reader);
        if let Work::Runs(task) = &events.work {
            task.abort();
        }
        let all = all(events).await;
        let [event::Type::Progress(_), event::Type::Completed(end)] = all.as_slice() else {
            panic!("{all:?}");
        };
        assert!(end.diagnostics[0].detail.contains("cancelled"));
    }

    #[tokio::test]
    async fn who_reports_after_the_end_does_not_hold_it_up() {
        let (progress, reader) = Progress::queue();
        let work = async move {
            let leaked = progress.clone();
            progress.report("last");
            tokio::spawn(async move {
                loop {
                    leaked.report("late");
                    tokio::task::yield_now().await;
                }
            });
            Diagnostics::new()
        };
        let all = all(events(work, reader)).await;
        let last = all.last();
        assert!(
            matches!(last, Some(event::Type::Completed(end)) if end.diagnostics.is_empty()),
            "{all:?}"
        );
    }
}
