//! Whether a request is allowed.

use super::Context;
use super::document::{Condition, Document, Operator, Statement};
use super::pattern::{matches, matches_resource};

/// One thing that somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The action, e.g. `drs:StartRecovery`.
    pub action: &'a str,
    /// The resource: an ARN, or `*` where the action has none.
    pub resource: &'a str,
    /// The values of condition keys.
    pub context: &'a Context,
}

/// What comes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is allowed.
    Allowed,
    /// Nothing allows it.
    NotAllowed,
    /// Something denies it, whatever allows it.
    Denied,
}

/// What somebody may do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rights {
    documents: Vec<Document>,
}

impl Rights {
    pub(super) fn of(documents: impl Iterator<Item = Document>) -> Self {
        Self {
            documents: documents.collect(),
        }
    }

    /// Those of an administrator.
    pub(super) fn everything() -> Self {
        let all = Statement {
            allows: true,
            is_negated: false,
            actions: vec!["*".to_owned()],
            resources: vec!["*".to_owned()],
            conditions: Vec::new(),
        };
        Self {
            documents: vec![Document {
                statements: vec![all],
            }],
        }
    }

    /// Whether a request is allowed.
    pub fn verdict(&self, request: Request<'_>) -> Verdict {
        let statements = self
            .documents
            .iter()
            .flat_map(|document| &document.statements);
        let mut verdict = Verdict::NotAllowed;
        for statement in statements.filter(|statement| statement.is_about(request)) {
            if !statement.allows {
                return Verdict::Denied;
            }
            verdict = Verdict::Allowed;
        }
        verdict
    }
}

impl Statement {
    fn is_about(&self, request: Request<'_>) -> bool {
        let action = request.action.to_lowercase();
        let is_named = self.actions.iter().any(|pattern| matches(pattern, &action));
        is_named != self.is_negated
            && self
                .resources
                .iter()
                .any(|pattern| matches_resource(pattern, request.resource))
            && self
                .conditions
                .iter()
                .all(|condition| condition.holds(request.context))
    }
}

impl Condition {
    /// A key that a request does not have fails every condition but one that it be absent.
    fn holds(&self, context: &Context) -> bool {
        let present = context.get(&self.key);
        let any = |fits: &dyn Fn(&str, &str) -> bool| {
            let found = present.map_or(&[][..], Vec::as_slice);
            found
                .iter()
                .any(|found| self.values.iter().any(|wanted| fits(wanted, found)))
        };
        match self.operator {
            Operator::Null => {
                let is_absent = present.is_none();
                self.values
                    .iter()
                    .any(|wanted| wanted.eq_ignore_ascii_case(&is_absent.to_string()))
            }
            Operator::StringEquals | Operator::AnyStringEquals => {
                any(&|wanted, found| wanted == found)
            }
            Operator::StringLike => any(&|wanted, found| matches(wanted, found)),
            Operator::Bool => any(&|wanted, found| wanted.eq_ignore_ascii_case(found)),
        }
    }
}
