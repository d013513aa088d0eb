//! Publishing notices while the driver goes on with everything else.
//!
//! A publication is begun and left alone; it goes on whenever the driver sleeps, and what came of it is recorded then. One
//! without an answer counts as failed once its time is up. When a drive ends, what is on its way is given up with it, and
//! whoever drives next publishes it again.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use jiff::Timestamp;

use crate::decide::notices;
use crate::event::NoticeId;
use crate::limits;
use crate::ports::{CallError, Clock, Kind, Outside};
use crate::report;
use crate::store::items::Items;
use crate::time::{Wake, after};

use super::{DriveError, Driver, Run, Turn, Watch};

/// Notices on their way.
#[derive(Default)]
pub(super) struct Post<'a>(Vec<Sending<'a>>);

struct Sending<'a> {
    notice: NoticeId,
    /// When, in wall time, it is not waited for any longer.
    until: Timestamp,
    call: Pin<Box<dyn Future<Output = Result<(), CallError>> + Send + 'a>>,
}

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// Begins to publish notices.
    pub(super) fn publish<'a, W>(
        &'a self,
        run: &mut Run<'_, W>,
        due: Vec<NoticeId>,
        post: &mut Post<'a>,
    ) {
        let now = self.clock.now();
        let until = after(now.wall, limits::NOTICE_DEADLINE);
        for notice in due {
            let Some(message) = report::notice(&run.state, &notice, now.world) else {
                continue;
            };
            let topic = notice.topic.clone();
            let call = Box::pin(async move { self.drs.publish(&topic, &message).await });
            run.view.publishing.insert(notice.clone());
            post.0.push(Sending {
                notice,
                until,
                call,
            });
        }
    }

    /// Sleeps until something is to be looked at again, or until a notice has arrived, and records what came of notices.
    pub(super) async fn wait<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        mut wake: Wake,
        post: &mut Post<'_>,
    ) -> Result<Turn, DriveError> {
        for sending in &post.0 {
            wake.at_wall(sending.until);
        }
        let mut ended = post.next(self.clock.sleep(wake)).await;
        ended.extend(post.overdue(self.clock.now().wall));
        for (notice, outcome) in ended {
            run.view.publishing.remove(&notice);
            // Somebody else's word about it came first.
            if !run.state.notices.is_due(&notice) {
                continue;
            }
            let event = notices::tried(&run.state, notice, outcome);
            if self.record_outcome(run, vec![event]).await? == Turn::Lost {
                return Ok(Turn::Lost);
            }
        }
        Ok(Turn::Next)
    }
}

type Ended = Vec<(NoticeId, Result<(), CallError>)>;

impl Post<'_> {
    /// What has arrived, once something has; nothing when the sleep is over first.
    async fn next(&mut self, sleep: impl Future<Output = ()>) -> Ended {
        let mut sleep = pin!(sleep);
        poll_fn(|context| {
            let mut ended = Ended::new();
            self.0
                .retain_mut(|sending| match sending.call.as_mut().poll(context) {
                    Poll::Ready(outcome) => {
                        ended.push((sending.notice.clone(), outcome));
                        false
                    }
                    Poll::Pending => true,
                });
            if ended.is_empty() {
                sleep.as_mut().poll(context).map(|()| ended)
            } else {
                Poll::Ready(ended)
            }
        })
        .await
    }

    /// Those that are not waited for any longer.
    fn overdue(&mut self, wall: Timestamp) -> Ended {
        let (late, going): (Vec<_>, Vec<_>) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|sending| sending.until <= wall);
        self.0 = going;
        let no_answer = || CallError {
            kind: Kind::Unknown,
            call: "sns:Publish",
            code: "NoAnswer".to_owned(),
            message: format!(
                "nothing was heard for {}",
                report::duration(limits::NOTICE_DEADLINE)
            ),
            retry_after: None,
        };
        let ended = late.into_iter();
        ended
            .map(|sending| (sending.notice, Err(no_answer())))
            .collect()
    }
}
