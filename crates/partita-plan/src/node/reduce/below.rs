//! Reductions of filtered and computed rows as reductions of the rows below, so that several share one pass over those.

use std::sync::Arc;

use super::{Aggregate, Reduce};
use crate::expr::Expr;
use crate::node::project::{has_loose_literal, substitute};
use crate::node::{Plan, PlanRef};

impl Reduce {
    /// The rows below all filters and projections that this reduces, and the same aggregates of those: with the filters as
    /// conditions and the projections put in. `None` where one of them cannot be put in.
    pub fn from_below(&self) -> Option<(PlanRef, Vec<Aggregate>)> {
        let (mut rows, mut aggregates) = (Arc::clone(&self.input), self.aggregates.clone());
        loop {
            let below = match &*rows {
                Plan::Filter(filter) => {
                    let [predicate] = crate::node::Operator::expressions(filter)[..] else { return None };
                    for aggregate in &mut aggregates {
                        aggregate.filter = Some(match aggregate.filter.take() {
                            Some(above) => predicate.clone().and(above),
                            None => predicate.clone(),
                        });
                    }
                    Arc::clone(rows.input()?)
                }
                Plan::Project(project) => {
                    let definitions = project.definitions();
                    let parts = || {
                        aggregates.iter().flat_map(|aggregate| aggregate.of.iter().chain(&aggregate.filter))
                    };
                    let loose = |part: &Expr| part.has_functions() || has_loose_literal(part, &definitions);
                    if parts().any(loose) || definitions.values().any(Expr::has_functions) {
                        return None;
                    }
                    for aggregate in &mut aggregates {
                        let put_in = |part: Expr| substitute(part, &definitions);
                        aggregate.of = std::mem::take(&mut aggregate.of).into_iter().map(put_in).collect();
                        aggregate.filter = aggregate.filter.take().map(put_in);
                    }
                    Arc::clone(rows.input()?)
                }
                _ => break,
            };
            rows = below;
        }
        // The same types, whatever stands beside what.
        let same = Reduce::plan(Arc::clone(&rows), aggregates.clone()).ok()?;
        let types = |plan: &Plan| -> Vec<_> {
            plan.schema().fields().iter().map(|field| field.data_type().clone()).collect()
        };
        (types(&same)
            == self.schema.fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>())
        .then_some((rows, aggregates))
    }
}
