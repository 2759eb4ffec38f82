//! The catalogue: every table and column of the one relational schema.
//!
//! DDL, lookups, fixture checks, canonical state and the types of rule expressions are projections of
//! [`TABLES`]. Enumerations are not here: a [`Kind::Word`] names a vocabulary, and the policy lists its words.

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// The table's own primary key; a decimal string in JSON.
    Key,
    /// A reference to another table's key; a decimal string in JSON.
    Id(&'static Table),
    /// Free text. Equality ignores case and surrounding space.
    Text,
    /// A telephone number. Equality compares digits only.
    Phone,
    /// A word of the named vocabulary of the policy.
    Word(&'static str),
    /// A time, stored in the canonical form of [`crate::time`]; a day is its midnight.
    Timestamp,
    /// A day, `YYYY-MM-DD`; a time is its day.
    Date,
    /// A whole number.
    Integer,
    /// A decimal number.
    Real,
    /// `true` or `false`; 0 or 1 in the store.
    Bool,
}

/// How a lookup tool can filter by a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Not at all.
    None,
    /// Equality.
    Exact,
    /// Part of the text, ignoring case; offered as `<column>_contains`.
    Contains,
    /// The table's time, offered as `since` and `until`, both inclusive.
    Time,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name in the store, in fixtures and in answers.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a row may leave it out.
    pub nullable: bool,
    /// How lookups filter by it.
    pub filter: Filter,
    /// Whether a concise answer shows it.
    pub concise: bool,
}

impl Column {
    const fn new(name: &'static str, kind: Kind) -> Column {
        Column { name, kind, nullable: false, filter: Filter::None, concise: false }
    }
    const fn null(mut self) -> Column {
        self.nullable = true;
        self
    }
    const fn exact(mut self) -> Column {
        self.filter = Filter::Exact;
        self
    }
    const fn contains(mut self) -> Column {
        self.filter = Filter::Contains;
        self
    }
    const fn time(mut self) -> Column {
        self.filter = Filter::Time;
        self
    }
    const fn concise(mut self) -> Column {
        self.concise = true;
        self
    }
}

const fn key(name: &'static str) -> Column {
    Column::new(name, Kind::Key).exact().concise()
}
const fn id(name: &'static str, table: &'static Table) -> Column {
    Column::new(name, Kind::Id(table)).exact()
}
const fn text(name: &'static str) -> Column {
    Column::new(name, Kind::Text)
}
const fn phone(name: &'static str) -> Column {
    Column::new(name, Kind::Phone)
}
const fn word(name: &'static str, vocabulary: &'static str) -> Column {
    Column::new(name, Kind::Word(vocabulary)).exact().concise()
}
const fn timestamp(name: &'static str) -> Column {
    Column::new(name, Kind::Timestamp)
}
const fn date(name: &'static str) -> Column {
    Column::new(name, Kind::Date)
}
const fn integer(name: &'static str) -> Column {
    Column::new(name, Kind::Integer)
}
const fn real(name: &'static str) -> Column {
    Column::new(name, Kind::Real)
}
const fn boolean(name: &'static str) -> Column {
    Column::new(name, Kind::Bool)
}

/// One table.
#[derive(Debug)]
pub struct Table {
    /// Name in the store and of the fixture file; plural.
    pub name: &'static str,
    /// What one row is called in halts, audit entries and evidence; singular.
    pub entity: &'static str,
    /// What several rows are called in names of tools and answers.
    pub plural: &'static str,
    /// All columns, the primary key first.
    pub columns: &'static [Column],
    /// Columns that no two rows share. Compared without case; the actions normalise what they write.
    pub unique: &'static [&'static str],
    /// Records of the agent's diligence rather than its result; outside the default state hash.
    pub diligence: bool,
}

impl Table {
    /// The primary key's column.
    pub fn key(&self) -> &'static Column {
        &self.columns[0]
    }
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }
    /// Where the column of that name stands in a row.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl PartialEq for Column {
    fn eq(&self, other: &Column) -> bool {
        self.name == other.name
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Table) -> bool {
        self.name == other.name
    }
}
impl Eq for Table {}

macro_rules! tables {
    ($($(#[$doc:meta])* $const:ident $entity:literal $plural:literal $name:literal
       $(unique $unique:expr;)? $(diligence $diligence:literal;)? [$($column:expr),* $(,)?])*) => {
        $($(#[$doc])* pub static $const: Table = Table {
            name: $name,
            entity: $entity,
            plural: $plural,
            columns: &[$($column),*],
            unique: tables!(@or $($unique)?; &[]),
            diligence: tables!(@or $($diligence)?; false),
        };)*
        /// Every table, parents before children.
        pub static TABLES: &[&Table] = &[$(&$const),*];
    };
    (@or $value:expr; $default:expr) => { $value };
    (@or ; $default:expr) => { $default };
}

tables! {
    /// Organisations that receive service.
    CLIENTS "client" "clients" "clients" unique &["registration_number", "contact_email"]; [
        key("client_id"),
        text("client_name").contains().concise(),
        text("registration_number").exact(),
        text("contact_email").exact(),
        phone("contact_phone").null(),
        word("client_type", "client_type"),
        text("industry").null(),
        text("country").null(),
        word("status", "client_status"),
        timestamp("created_at").time(),
        timestamp("updated_at"),
    ]
    /// External service providers.
    VENDORS "vendor" "vendors" "vendors" unique &["vendor_name", "contact_email", "contact_phone"]; [
        key("vendor_id"),
        text("vendor_name").contains().concise(),
        word("vendor_type", "vendor_type"),
        text("contact_email").exact(),
        phone("contact_phone").exact(),
        word("status", "vendor_status"),
        timestamp("created_at").time(),
    ]
    /// People, of any organisation, who act or are named.
    USERS "user" "users" "users" unique &["email"]; [
        key("user_id"),
        text("name").contains().concise(),
        text("first_name").null(),
        text("last_name").null(),
        text("email").exact(),
        phone("phone").null(),
        word("role", "role"),
        text("department").null().exact(),
        id("client_id", &CLIENTS).null(),
        id("vendor_id", &VENDORS).null(),
        text("timezone").null(),
        word("status", "user_status"),
        timestamp("created_at").time(),
        timestamp("updated_at"),
    ]
    /// Which account manager looks after which client (ruling X19).
    CLIENT_ASSIGNMENTS "client_assignment" "client_assignments" "client_assignments" [
        key("assignment_id"),
        id("client_id", &CLIENTS).concise(),
        id("user_id", &USERS).concise(),
        timestamp("created_at").time(),
    ]
    /// What clients subscribe to.
    PRODUCTS "product" "products" "products" [
        key("product_id"),
        text("product_name").contains().concise(),
        text("product_type").exact(),
        text("version").null(),
        id("support_vendor_id", &VENDORS).null(),
        word("status", "product_status"),
        timestamp("created_at").time(),
        timestamp("updated_at"),
    ]
    /// Infrastructure that products run on.
    COMPONENTS "component" "infrastructure_components" "infrastructure_components" [
        key("component_id"),
        text("component_name").contains().concise(),
        text("component_type").exact(),
        id("product_id", &PRODUCTS).null(),
        word("environment", "environment"),
        text("location").null(),
        integer("port_number").null(),
        word("operational_status", "component_status"),
        timestamp("created_at").time(),
        timestamp("updated_at"),
    ]
    /// A client's contract for a product, with its service tier.
    SUBSCRIPTIONS "subscription" "subscriptions" "subscriptions" [
        key("subscription_id"),
        id("client_id", &CLIENTS).concise(),
        id("product_id", &PRODUCTS),
        word("subscription_type", "subscription_type"),
        word("sla_tier", "sla_tier"),
        integer("rto_hours").null(),
        date("start_date").time(),
        date("end_date").null(),
        word("status", "subscription_status"),
        timestamp("created_at"),
        timestamp("updated_at"),
    ]
    /// Agreed targets of a subscription, one a severity.
    SLA_AGREEMENTS "service_level_agreement" "service_level_agreements" "service_level_agreements" [
        key("sla_id"),
        id("subscription_id", &SUBSCRIPTIONS).concise(),
        word("severity_level", "severity"),
        integer("response_time_minutes").concise(),
        integer("resolution_time_hours").concise(),
        real("availability_percentage").null(),
        timestamp("created_at").time(),
    ]
    /// Service impacts under formal management.
    INCIDENTS "incident" "incidents" "incidents" [
        key("incident_id"),
        text("title").contains().concise(),
        text("category").exact(),
        word("severity", "severity"),
        word("impact_level", "level"),
        word("urgency_level", "level"),
        word("status", "incident_status"),
        id("client_id", &CLIENTS).concise(),
        id("component_id", &COMPONENTS).null(),
        id("reporter_user_id", &USERS),
        id("assigned_to_user_id", &USERS).null(),
        timestamp("detection_timestamp").time().concise(),
        timestamp("resolution_timestamp").null(),
        timestamp("closure_timestamp").null(),
        boolean("rto_breach").null(),
        boolean("sla_breach").null(),
        boolean("is_recurring").null(),
        integer("downtime_minutes").null(),
        timestamp("created_at"),
        timestamp("updated_at"),
    ]
    /// What changed in an incident, one row a field, and notes.
    INCIDENT_UPDATES "incident_update" "incident_updates" "incident_updates" [
        key("update_id"),
        id("incident_id", &INCIDENTS).concise(),
        id("updated_by_user", &USERS),
        word("update_type", "update_type"),
        text("field_changed").null().exact().concise(),
        text("old_value").null(),
        text("new_value").null().concise(),
        text("note").null(),
        timestamp("created_at").time(),
    ]
    /// Hand-overs of an incident to a higher level.
    ESCALATIONS "incident_escalation" "incident_escalations" "incident_escalations" [
        key("escalation_id"),
        id("incident_id", &INCIDENTS).concise(),
        id("escalated_by_user", &USERS).null(),
        id("escalated_to_user", &USERS),
        word("escalation_level", "escalation_level"),
        text("reason").null(),
        word("status", "escalation_status"),
        timestamp("escalated_at").time(),
        timestamp("acknowledged_at").null(),
        timestamp("resolved_at").null(),
        timestamp("created_at"),
    ]
    /// Messages to stakeholders about an incident.
    COMMUNICATIONS "communication" "communications" "communications" [
        key("communication_id"),
        id("incident_id", &INCIDENTS).concise(),
        id("sender_id", &USERS),
        id("recipient_id", &USERS).null(),
        word("recipient_type", "recipient_type").null(),
        word("communication_type", "communication_type").null(),
        word("delivery_method", "delivery_method").null(),
        word("delivery_status", "delivery_status"),
        text("message").null(),
        timestamp("sent_at").null().time(),
        timestamp("created_at"),
    ]
    /// Temporary relief of an incident.
    WORKAROUNDS "workaround" "workarounds" "workarounds" [
        key("workaround_id"),
        id("incident_id", &INCIDENTS).concise(),
        id("implemented_by_user", &USERS),
        word("effectiveness_level", "effectiveness_level"),
        word("status", "workaround_status"),
        text("description").null(),
        timestamp("implemented_at").time(),
        timestamp("created_at"),
    ]
    /// Investigations of why an incident happened.
    ANALYSES "root_cause_analysis" "root_cause_analyses" "root_cause_analysis" [
        key("analysis_id"),
        id("incident_id", &INCIDENTS).concise(),
        id("conducted_by_user", &USERS),
        word("analysis_method", "analysis_method"),
        word("status", "rca_status"),
        text("timeline").null(),
        timestamp("completed_at").null(),
        timestamp("created_at").time(),
    ]
    /// Proposed modifications of a system.
    CHANGES "change_request" "change_requests" "change_requests" [
        key("change_id"),
        id("incident_id", &INCIDENTS).null().concise(),
        text("title").contains().concise(),
        word("change_type", "change_type"),
        word("risk_level", "risk_level"),
        word("status", "change_status"),
        id("requesting_user", &USERS),
        id("approved_by_user", &USERS).null(),
        timestamp("scheduled_start_time").null(),
        timestamp("scheduled_end_time").null(),
        timestamp("actual_start_time").null(),
        timestamp("actual_end_time").null(),
        timestamp("created_at").time(),
        timestamp("updated_at"),
    ]
    /// Requests to revert a change.
    ROLLBACKS "rollback_request" "rollback_requests" "rollback_requests" [
        key("rollback_id"),
        id("change_id", &CHANGES).concise(),
        id("incident_id", &INCIDENTS).null(),
        id("requesting_user", &USERS),
        text("justification").null(),
        text("scope").null(),
        word("status", "rollback_status"),
        id("approved_by_user", &USERS).null(),
        timestamp("completed_at").null(),
        boolean("validation_completed").null(),
        timestamp("created_at").time(),
    ]
    /// Durations measured for an incident.
    METRICS "performance_metric" "performance_metrics" "performance_metrics" [
        key("metric_id"),
        id("incident_id", &INCIDENTS).concise(),
        word("metric_type", "metric_type"),
        integer("calculated_value_minutes").concise(),
        integer("target_minutes").null(),
        id("recorded_by_user", &USERS).null(),
        timestamp("recorded_at").time(),
        timestamp("created_at"),
    ]
    /// Documents about an incident for stakeholders.
    REPORTS "incident_report" "incident_reports" "incident_reports" [
        key("report_id"),
        id("incident_id", &INCIDENTS).concise(),
        word("report_type", "report_type"),
        id("generated_by_user", &USERS),
        word("status", "report_status"),
        timestamp("generated_at").time(),
        timestamp("created_at"),
    ]
    /// What was learnt, for the next time.
    ARTICLES "knowledge_base_article" "knowledge_base_articles" "knowledge_base_articles" [
        key("article_id"),
        id("incident_id", &INCIDENTS).null(),
        text("title").contains().concise(),
        word("article_type", "article_type"),
        word("category", "article_category"),
        id("created_by_user", &USERS),
        id("reviewer_user", &USERS).null(),
        word("status", "article_status"),
        integer("view_count").null(),
        timestamp("created_at").time(),
        timestamp("updated_at"),
    ]
    /// Reviews of how an incident was handled.
    REVIEWS "post_incident_review" "post_incident_reviews" "post_incident_reviews" [
        key("review_id"),
        id("incident_id", &INCIDENTS).concise(),
        id("facilitator_user", &USERS),
        timestamp("scheduled_date").time().concise(),
        word("overall_rating", "overall_rating").null(),
        word("status", "review_status"),
        integer("timeline_accuracy_rating").null(),
        integer("communication_effectiveness_rating").null(),
        integer("technical_response_rating").null(),
        timestamp("completed_at").null(),
        timestamp("created_at"),
    ]
    /// Technical issues behind incidents.
    TICKETS "problem_ticket" "problem_tickets" "problem_tickets" [
        key("problem_id"),
        id("incident_id", &INCIDENTS).concise(),
        text("title").contains().concise(),
        word("status", "ticket_status"),
        id("issued_by_user", &USERS),
        timestamp("created_at").time(),
        timestamp("updated_at"),
    ]
    /// Operational tasks.
    WORK_ORDERS "work_order" "work_orders" "work_orders" [
        key("workorder_id"),
        id("incident_id", &INCIDENTS).null(),
        id("change_id", &CHANGES).null(),
        id("problem_id", &TICKETS).null(),
        text("title").contains().concise(),
        text("work_type").exact().concise(),
        word("status", "workorder_status"),
        id("assigned_to_user", &USERS).null(),
        id("created_by_user", &USERS),
        timestamp("created_at").time(),
        timestamp("updated_at"),
    ]
    /// Requests that a person takes over (ruling X59).
    TRANSFERS "transfer" "transfers" "transfers" [
        key("transfer_id"),
        id("incident_id", &INCIDENTS).null().concise(),
        id("requested_by_user", &USERS),
        text("summary").concise(),
        timestamp("created_at").time(),
    ]
    /// Who did what to which record.
    AUDIT_LOGS "audit_log" "audit_logs" "audit_logs" diligence true; [
        key("audit_id"),
        word("action", "audit_action"),
        word("entity_type", "audit_entity"),
        text("entity_id").exact().concise(),
        id("audit_by_user", &USERS),
        text("changed_fields").null(),
        timestamp("created_at").time(),
    ]
}

/// The table of that name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name).copied()
}

/// The table whose rows go by that singular name.
pub fn entity(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.entity == name).copied()
}
