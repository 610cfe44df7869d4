/// Every phase of a replica and every report about one, and what follows. Its service has a `setup` and
/// a load balancer that runs. Reports come an hour later, so that every deadline is due.
let replicaTable = TransitionTable<GivenReplica, WhenReplica>(
    """
    pending              | launched           | replica.launched
    pending              | launch failed      | replica.removing service.launches_stopped service.status_changed
    pending              | setup done         | nothing
    pending              | probed ready       | nothing
    pending              | probed not ready   | nothing
    pending              | exited             | nothing
    pending              | rebooted           | nothing
    pending              | removed            | nothing
    pending              | removal failed     | nothing
    pending              | launch deadline    | nothing
    pending              | readiness deadline | nothing
    pending              | cleanup deadline   | nothing
    pending              | drained            | nothing
    pending              | drain deadline     | nothing
    backing off          | launched           | replica.launched
    backing off          | launch failed      | replica.removing replica.added
    backing off          | setup done         | nothing
    backing off          | probed ready       | nothing
    backing off          | probed not ready   | nothing
    backing off          | exited             | nothing
    backing off          | rebooted           | nothing
    backing off          | removed            | nothing
    backing off          | removal failed     | nothing
    backing off          | launch deadline    | replica.launch_due
    backing off          | readiness deadline | nothing
    backing off          | cleanup deadline   | nothing
    backing off          | drained            | nothing
    backing off          | drain deadline     | nothing
    provisioning         | launched           | nothing
    provisioning         | launch failed      | nothing
    provisioning         | setup done         | replica.starting
    provisioning         | probed ready       | nothing
    provisioning         | probed not ready   | nothing
    provisioning         | exited             | replica.ended replica.removing service.launches_stopped service.status_changed
    provisioning         | rebooted           | replica.ended replica.removing replica.added
    provisioning         | removed            | nothing
    provisioning         | removal failed     | nothing
    provisioning         | launch deadline    | nothing
    provisioning         | readiness deadline | nothing
    provisioning         | cleanup deadline   | nothing
    provisioning         | drained            | nothing
    provisioning         | drain deadline     | nothing
    starting             | launched           | nothing
    starting             | launch failed      | nothing
    starting             | setup done         | nothing
    starting             | probed ready       | replica.ready service.status_changed
    starting             | probed not ready   | replica.probe_failed
    starting             | exited             | replica.ended replica.removing service.launches_stopped service.status_changed
    starting             | rebooted           | replica.ended replica.removing replica.added
    starting             | removed            | nothing
    starting             | removal failed     | nothing
    starting             | launch deadline    | nothing
    starting             | readiness deadline | replica.removing service.launches_stopped service.status_changed
    starting             | cleanup deadline   | nothing
    starting             | drained            | nothing
    starting             | drain deadline     | nothing
    ready                | launched           | nothing
    ready                | launch failed      | nothing
    ready                | setup done         | nothing
    ready                | probed ready       | nothing
    ready                | probed not ready   | replica.not_ready service.status_changed
    ready                | exited             | replica.ended replica.removing replica.added service.status_changed
    ready                | rebooted           | replica.ended replica.removing replica.added service.status_changed
    ready                | removed            | nothing
    ready                | removal failed     | nothing
    ready                | launch deadline    | nothing
    ready                | readiness deadline | nothing
    ready                | cleanup deadline   | nothing
    ready                | drained            | nothing
    ready                | drain deadline     | nothing
    not ready            | launched           | nothing
    not ready            | launch failed      | nothing
    not ready            | setup done         | nothing
    not ready            | probed ready       | replica.ready service.status_changed
    not ready            | probed not ready   | nothing
    not ready            | exited             | replica.ended replica.removing replica.added service.status_changed
    not ready            | rebooted           | replica.ended replica.removing replica.added service.status_changed
    not ready            | removed            | nothing
    not ready            | removal failed     | nothing
    not ready            | launch deadline    | nothing
    not ready            | readiness deadline | replica.removing replica.added service.status_changed
    not ready            | cleanup deadline   | nothing
    not ready            | drained            | nothing
    not ready            | drain deadline     | nothing
    draining             | launched           | nothing
    draining             | launch failed      | nothing
    draining             | setup done         | nothing
    draining             | probed ready       | nothing
    draining             | probed not ready   | nothing
    draining             | exited             | replica.ended replica.removing
    draining             | rebooted           | replica.ended replica.removing
    draining             | removed            | nothing
    draining             | removal failed     | nothing
    draining             | launch deadline    | nothing
    draining             | readiness deadline | nothing
    draining             | cleanup deadline   | nothing
    draining             | drained            | replica.removing
    draining             | drain deadline     | replica.removing
    removing, unlaunched | launched           | replica.launched
    removing, unlaunched | launch failed      | nothing
    removing, unlaunched | setup done         | nothing
    removing, unlaunched | probed ready       | nothing
    removing, unlaunched | probed not ready   | nothing
    removing, unlaunched | exited             | nothing
    removing, unlaunched | rebooted           | nothing
    removing, unlaunched | removed            | replica.gone
    removing, unlaunched | removal failed     | replica.cleanup_failed service.status_changed
    removing, unlaunched | launch deadline    | nothing
    removing, unlaunched | readiness deadline | nothing
    removing, unlaunched | cleanup deadline   | nothing
    removing, unlaunched | drained            | nothing
    removing, unlaunched | drain deadline     | nothing
    removing, unwanted   | launched           | nothing
    removing, unwanted   | launch failed      | nothing
    removing, unwanted   | setup done         | nothing
    removing, unwanted   | probed ready       | nothing
    removing, unwanted   | probed not ready   | nothing
    removing, unwanted   | exited             | nothing
    removing, unwanted   | rebooted           | nothing
    removing, unwanted   | removed            | replica.gone
    removing, unwanted   | removal failed     | replica.cleanup_failed service.status_changed
    removing, unwanted   | launch deadline    | nothing
    removing, unwanted   | readiness deadline | nothing
    removing, unwanted   | cleanup deadline   | nothing
    removing, unwanted   | drained            | nothing
    removing, unwanted   | drain deadline     | nothing
    removing, failed     | launched           | nothing
    removing, failed     | launch failed      | nothing
    removing, failed     | setup done         | nothing
    removing, failed     | probed ready       | nothing
    removing, failed     | probed not ready   | nothing
    removing, failed     | exited             | nothing
    removing, failed     | rebooted           | nothing
    removing, failed     | removed            | replica.failed
    removing, failed     | removal failed     | replica.cleanup_failed service.status_changed
    removing, failed     | launch deadline    | nothing
    removing, failed     | readiness deadline | nothing
    removing, failed     | cleanup deadline   | nothing
    removing, failed     | drained            | nothing
    removing, failed     | drain deadline     | nothing
    removing, preempted  | launched           | nothing
    removing, preempted  | launch failed      | nothing
    removing, preempted  | setup done         | nothing
    removing, preempted  | probed ready       | nothing
    removing, preempted  | probed not ready   | nothing
    removing, preempted  | exited             | nothing
    removing, preempted  | rebooted           | nothing
    removing, preempted  | removed            | replica.gone
    removing, preempted  | removal failed     | replica.cleanup_failed service.status_changed
    removing, preempted  | launch deadline    | nothing
    removing, preempted  | readiness deadline | nothing
    removing, preempted  | cleanup deadline   | nothing
    removing, preempted  | drained            | nothing
    removing, preempted  | drain deadline     | nothing
    stuck                | launched           | nothing
    stuck                | launch failed      | nothing
    stuck                | setup done         | nothing
    stuck                | probed ready       | nothing
    stuck                | probed not ready   | nothing
    stuck                | exited             | nothing
    stuck                | rebooted           | nothing
    stuck                | removed            | replica.failed service.status_changed
    stuck                | removal failed     | replica.cleanup_failed
    stuck                | launch deadline    | nothing
    stuck                | readiness deadline | nothing
    stuck                | cleanup deadline   | replica.cleanup_due
    stuck                | drained            | nothing
    stuck                | drain deadline     | nothing
    stuck, tried again   | launched           | nothing
    stuck, tried again   | launch failed      | nothing
    stuck, tried again   | setup done         | nothing
    stuck, tried again   | probed ready       | nothing
    stuck, tried again   | probed not ready   | nothing
    stuck, tried again   | exited             | nothing
    stuck, tried again   | rebooted           | nothing
    stuck, tried again   | removed            | replica.failed service.status_changed
    stuck, tried again   | removal failed     | replica.cleanup_failed
    stuck, tried again   | launch deadline    | nothing
    stuck, tried again   | readiness deadline | nothing
    stuck, tried again   | cleanup deadline   | nothing
    stuck, tried again   | drained            | nothing
    stuck, tried again   | drain deadline     | nothing
    failed               | launched           | nothing
    failed               | launch failed      | nothing
    failed               | setup done         | nothing
    failed               | probed ready       | nothing
    failed               | probed not ready   | nothing
    failed               | exited             | nothing
    failed               | rebooted           | nothing
    failed               | removed            | nothing
    failed               | removal failed     | nothing
    failed               | launch deadline    | nothing
    failed               | readiness deadline | nothing
    failed               | cleanup deadline   | nothing
    failed               | drained            | nothing
    failed               | drain deadline     | nothing
    """)
