//! Subscriptions of clients to products.

use super::call::Permit;
use super::input::{
    Client, Count, Day, Id, Product, SlaTier, Subscription, SubscriptionStatus, SubscriptionType, Word, inputs,
};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{SUBSCRIPTIONS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Record that a client subscribes to a product.
    pub struct CreateSubscription {
        client_id: Id<Client>,
        product_id: Id<Product>,
        subscription_type: Word<SubscriptionType>,
        sla_tier: Word<SlaTier>,
        /// Recovery time objective
        rto_hours: Count,
        /// YYYY-MM-DD
        start_date: Day,
        end_date: Option<Day>,
        status: Word<SubscriptionStatus>,
    }
}

/// What recording a subscription answers.
#[derive(Serialize, JsonSchema)]
pub struct Created {
    subscription_id: String,
    status: String,
}

impl Action for CreateSubscription {
    const NAME: &'static str = "create_subscription";
    const RECORD: &'static Table = &SUBSCRIPTIONS;
    const EFFECT: Effect = Effect::Create;
    type Answer = Created;

    fn run(self, permit: &Permit<'_>) -> Result<Created> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let subscription = permit.insert(
            &SUBSCRIPTIONS,
            vec![
                ("client_id", self.client_id.into()),
                ("product_id", self.product_id.into()),
                ("subscription_type", self.subscription_type.into()),
                ("sla_tier", self.sla_tier.into()),
                ("rto_hours", self.rto_hours.into()),
                ("start_date", self.start_date.into()),
                ("end_date", self.end_date.into()),
                ("status", self.status.into()),
                ("created_at", now.into()),
                ("updated_at", now.into()),
            ],
        )?;
        Ok(Created { subscription_id: subscription.key().to_string(), status })
    }
}

update! {
    /// Change a subscription.
    pub struct UpdateSubscription = "update_subscription" {
        subscription_id: Id<Subscription>,
        change_set: SubscriptionChanges,
    }
    /// The columns of a subscription that can change.
    pub struct SubscriptionChanges {
        client_id: Id<Client>,
        product_id: Id<Product>,
        subscription_type: Word<SubscriptionType>,
        sla_tier: Word<SlaTier>,
        rto_hours: Count,
        start_date: Day,
        end_date: Day,
        status: Word<SubscriptionStatus>,
    }
    /// The subscription as it is now.
    subscription
}
