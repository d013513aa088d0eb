//! The services behind the port: lets a call in, finds its service, and carries out what faults ask for.
//!
//! One request holds the store's lock from its first look at the state to its last change on disk. Waiting, for a late or
//! a held answer, happens after that, so it stops nobody else.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use drs_engine::sim::iam::{Request as Wish, Verdict};
use drs_engine::sim::world::fault::Fault;
use drs_engine::sim::world::{ApiError, Caller, Reply, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::auth::{self, Identity, Refusal};
use crate::clock::Clock;
use crate::face::{drs, dynamodb, ec2, lambda, quotas, sns, ssm, states, sts};
use crate::http::{Answer, Request};
use crate::needs::Need;
use crate::protocol::Protocol;
use crate::server::{Delivery, Serve, Served};
use crate::state::{Call, Change, Outcome};
use crate::store::{Session, Store, StoreError};

/// Latest that an answer is delivered late. A scripted latency beyond it would only leak a connection.
const LATENCY_BOUND: Duration = Duration::from_secs(600);

/// Everything that answers requests.
pub(crate) struct Service {
    store: Store,
    databases: dynamodb::Databases,
    salt: [u8; 32],
    requests: AtomicU64,
}

/// One call that was let in.
pub(crate) struct Visit<'a, 'b> {
    pub(crate) session: &'a mut Session<'b>,
    pub(crate) identity: &'a Identity,
    pub(crate) request: &'a Request,
    pub(crate) protocol: Protocol,
    pub(crate) request_id: &'a str,
    /// The wall clock, for what lives in AWS's front door: signatures and sessions.
    pub(crate) wall: Timestamp,
    /// Set when a fault asks for an answer without content.
    pub(crate) empty: bool,
    /// World time until which the answer is held back; set by a call that takes time.
    pub(crate) until: Option<Timestamp>,
}

/// Carries out a call that was planned.
type Perform<'p> = Box<dyn FnOnce(&mut Visit<'_, '_>) -> Result<Answer, ApiError> + 'p>;

/// What a face found out about a call before it is carried out.
pub(crate) struct Planned<'p> {
    /// The name under which faults are scripted.
    pub(crate) fault_name: String,
    /// The action in words of IAM.
    pub(crate) action: String,
    /// Everything that its caller must be allowed; not filled in where nobody asks.
    pub(crate) needs: Vec<Need>,
    /// Carries it out.
    pub(crate) perform: Perform<'p>,
}

impl Service {
    /// Services over a store. The salt makes request ids differ between processes; the same salt makes them repeat.
    pub(crate) fn new(store: Store, salt: [u8; 32]) -> Self {
        let databases = dynamodb::Databases::new(store.directory());
        Self {
            store,
            databases,
            salt,
            requests: AtomicU64::new(0),
        }
    }

    /// The store.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// How world time passes, and the time of the latest change. Blocks on files.
    pub(crate) fn clock(&self) -> Result<(Clock, Timestamp), StoreError> {
        self.store.with(|session| {
            let state = session.state();
            (state.clock, state.latest)
        })
    }

    /// The embedded DynamoDB.
    pub(crate) fn databases(&self) -> &dynamodb::Databases {
        &self.databases
    }

    fn serve_locked(
        &self,
        session: &mut Session<'_>,
        request: &Request,
        request_id: &str,
    ) -> Served {
        let wall = Timestamp::now();
        let state = session.state();
        let max_age = state.world.settings().signature_age_seconds;
        let max_age = max_age.map(SignedDuration::from_secs);
        let admitted = auth::authenticate(request, wall, max_age, state.iam.as_ref());
        let protocol = admitted
            .as_ref()
            .map_or_else(|_| guess(request), |who| Protocol::of(&who.service));
        let admitted = admitted.and_then(|who| {
            let known = session.state().world.has_account(&who.account_id);
            if known {
                Ok(who)
            } else {
                Err(Refusal::UnknownToken)
            }
        });
        let identity = match admitted {
            Ok(identity) => identity,
            Err(refusal) => {
                return Served::at_once(protocol.error(&protocol.refusal(&refusal), request_id));
            }
        };
        let mut visit = Visit {
            session,
            identity: &identity,
            request,
            protocol,
            request_id,
            wall,
            empty: false,
            until: None,
        };
        match self.plan(&visit) {
            Ok(planned) => visit.carry_out(planned),
            Err(error) => Served::at_once(protocol.error(&error, request_id)),
        }
    }

    fn plan<'p>(&'p self, visit: &Visit<'_, '_>) -> Result<Planned<'p>, ApiError> {
        match visit.identity.service.as_str() {
            "drs" => drs::plan(visit),
            "dynamodb" => dynamodb::plan(&self.databases, visit),
            "ec2" => ec2::plan(visit),
            "lambda" => lambda::plan(visit),
            "servicequotas" => quotas::plan(visit),
            "sns" => sns::plan(visit),
            "ssm" => ssm::plan(visit),
            "states" => states::plan(visit),
            "sts" => sts::plan(visit),
            other => Err(visit
                .protocol
                .unknown_operation(&format!("{other}:{}", visit.request.path))),
        }
    }

    /// An id in the form that AWS uses.
    fn request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut hash = Sha256::new();
        hash.update(self.salt);
        hash.update(number.to_be_bytes());
        let hex = auth::hex(&hash.finalize());
        let part = |from: usize, to: usize| &hex[from..to];
        format!(
            "{}-{}-{}-{}-{}",
            part(0, 8),
            part(8, 12),
            part(12, 16),
            part(16, 20),
            part(20, 32)
        )
    }
}

impl Serve for Service {
    fn serve(&self, request: &Request) -> Served {
        let request_id = self.request_id();
        let served = self
            .store
            .with(|session| self.serve_locked(session, request, &request_id));
        let Served { answer, delivery } = served.unwrap_or_else(|error| {
            tracing::error!(%error, "the simulator's store cannot be used");
            unavailable(request, &error, &request_id)
        });
        Served {
            answer: answer.with("x-amzn-requestid", request_id),
            delivery,
        }
    }

    fn is_held(&self, hold: u64) -> bool {
        // When the store cannot be read nobody can release the hold either, so the answer goes.
        self.store
            .with(|session| session.state().holds.contains_key(&hold))
            .unwrap_or(false)
    }

    fn until_world(&self, at: Timestamp) -> Option<Duration> {
        // When the store cannot be read nobody can say how time passes, so the answer goes.
        let (clock, latest) = self.clock().ok()?;
        if at <= latest {
            return None;
        }
        let wait = clock.wall_until(at, Timestamp::now());
        Some(wait.unwrap_or(Duration::MAX)).filter(|wait| !wait.is_zero())
    }
}

impl Visit<'_, '_> {
    /// Carries out a call, and what a scripted fault adds to it.
    fn carry_out(&mut self, planned: Planned<'_>) -> Served {
        let mut delivery = Delivery::default();
        let mut after = None;
        let calls = self.session.calls();
        calls.count(&planned.fault_name, &self.identity.arn);
        if let Err(error) = self.authorize(&planned.needs) {
            return self.refused(&error);
        }
        match self.take_fault(&planned.fault_name) {
            None => {}
            Some(Fault::Throttle {
                retry_after_seconds,
            }) => {
                return self.refused(&self.protocol.throttled(retry_after_seconds));
            }
            Some(Fault::Internal {
                retry_after_seconds,
            }) => {
                let error = self.protocol.internal("An internal error occurred");
                return self.refused(&ApiError {
                    retry_after_seconds,
                    ..error
                });
            }
            Some(Fault::AccessDenied) => {
                let (arn, action) = (&self.identity.arn, &planned.action);
                return self.refused(&self.protocol.denied(arn, action, "*", false));
            }
            Some(Fault::Refuse {
                code,
                status,
                message,
            }) => {
                return self.refused(&ApiError::new(&code, status, message));
            }
            Some(Fault::LostRequest) => {
                delivery.lost = true;
                let answer = Answer::new(500, self.protocol.content_type(), "");
                return Served { answer, delivery };
            }
            Some(Fault::LostAnswer) => delivery.lost = true,
            Some(Fault::Latency { milliseconds }) => {
                delivery.delay = Duration::from_millis(milliseconds).min(LATENCY_BOUND);
            }
            Some(Fault::Hold) => delivery.hold = self.hold(&planned.fault_name),
            Some(Fault::InternalAfter) => {
                after = Some(self.protocol.internal("An internal error occurred"))
            }
            Some(Fault::Empty { .. }) => self.empty = true,
        }
        let result = (planned.perform)(self);
        delivery.until = self.until;
        let answer = match (result, after) {
            (Ok(_), Some(error)) | (Err(error), _) => self.protocol.error(&error, self.request_id),
            (Ok(answer), None) => answer,
        };
        Served { answer, delivery }
    }

    /// Whether IAM is enforced, so that somebody asks what a call needs.
    pub(crate) fn is_authorized(&self) -> bool {
        self.session.state().iam.is_some()
    }

    /// Whether the caller may do all of it. AWS names the first thing that is missing, and no more.
    fn authorize(&self, needs: &[Need]) -> Result<(), ApiError> {
        let Some(iam) = &self.session.state().iam else {
            return Ok(());
        };
        let arn = &self.identity.arn;
        let rights = iam.rights_of(arn);
        for Need {
            action,
            resource,
            context,
        } in needs
        {
            let is_explicit = match rights.verdict(Wish {
                action,
                resource,
                context,
            }) {
                Verdict::Allowed => continue,
                Verdict::NotAllowed => false,
                Verdict::Denied => true,
            };
            return Err(self.protocol.denied(arn, action, resource, is_explicit));
        }
        Ok(())
    }

    /// Calls the world, and journals the call when it changes the world.
    pub(crate) fn call_world(&mut self, operation: &str, input: Value) -> Result<Reply, ApiError> {
        let call = Call {
            caller: Caller {
                account_id: self.identity.account_id.clone(),
                arn: self.identity.arn.clone(),
            },
            region: self.identity.region.clone(),
            operation: operation.to_owned(),
            input,
        };
        if !World::is_mutating(operation) {
            let now = self.session.now;
            return self.session.state().read(now, &call);
        }
        match self.session.change(Change::Call(call)) {
            Outcome::Called(result) => result,
            _ => unreachable!("a call gives what was called"),
        }
    }

    /// Holds the answer back until a time of the world, as an answer of the world names it.
    pub(crate) fn hold_until(&mut self, at: &Value) {
        let at = at.as_str().and_then(|at| at.parse().ok());
        self.until = at.filter(|at| self.session.now < *at);
    }

    fn take_fault(&mut self, operation: &str) -> Option<Fault> {
        let region = &self.identity.region;
        if !self.session.state().world.has_fault(region, operation) {
            return None;
        }
        let change = Change::TakeFault {
            region: region.clone(),
            operation: operation.to_owned(),
        };
        match self.session.change(change) {
            Outcome::Fault(fault) => fault,
            _ => unreachable!("taking a fault gives a fault or none"),
        }
    }

    fn hold(&mut self, operation: &str) -> Option<u64> {
        let change = Change::Hold {
            region: self.identity.region.clone(),
            operation: operation.to_owned(),
        };
        match self.session.change(change) {
            Outcome::Held(id) => Some(id),
            _ => unreachable!("a hold gives its number"),
        }
    }

    fn refused(&self, error: &ApiError) -> Served {
        Served::at_once(self.protocol.error(error, self.request_id))
    }
}

/// The protocol of a request that does not say for which service it is signed.
fn guess(request: &Request) -> Protocol {
    let is_form = request
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    match request.header("x-amz-target") {
        Some(target) if target.starts_with("DynamoDB") => Protocol::Json10,
        Some(_) => Protocol::Json11,
        None if is_form => Protocol::Query,
        None => Protocol::RestJson,
    }
}

fn unavailable(request: &Request, error: &StoreError, request_id: &str) -> Served {
    let protocol = guess(request);
    let message = format!("The simulator's store cannot be used: {error}");
    Served::at_once(protocol.error(&protocol.internal(&message), request_id))
}
