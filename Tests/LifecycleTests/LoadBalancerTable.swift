/// Every phase of a load balancer and every report about one, and what follows. Reports come an hour
/// later, so that every deadline is due.
let loadBalancerTable = TransitionTable<GivenLoadBalancer, WhenLoadBalancer>(
    """
    none                          | launched         | nothing
    none                          | ended            | nothing
    none                          | removed          | nothing
    none                          | launch deadline  | nothing
    none                          | removal failed   | nothing
    none                          | cleanup deadline | nothing
    pending                       | launched         | load_balancer.launched
    pending                       | ended            | load_balancer.ended
    pending                       | removed          | nothing
    pending                       | launch deadline  | nothing
    pending                       | removal failed   | nothing
    pending                       | cleanup deadline | nothing
    pending, replica ready        | launched         | load_balancer.launched service.status_changed
    pending, replica ready        | ended            | load_balancer.ended
    pending, replica ready        | removed          | nothing
    pending, replica ready        | launch deadline  | nothing
    pending, replica ready        | removal failed   | nothing
    pending, replica ready        | cleanup deadline | nothing
    backing off                   | launched         | load_balancer.launched
    backing off                   | ended            | load_balancer.ended
    backing off                   | removed          | nothing
    backing off                   | launch deadline  | load_balancer.launch_due
    backing off                   | removal failed   | nothing
    backing off                   | cleanup deadline | nothing
    running                       | launched         | nothing
    running                       | ended            | load_balancer.ended
    running                       | removed          | nothing
    running                       | launch deadline  | nothing
    running                       | removal failed   | nothing
    running                       | cleanup deadline | nothing
    running, replica ready        | launched         | nothing
    running, replica ready        | ended            | load_balancer.ended service.status_changed
    running, replica ready        | removed          | nothing
    running, replica ready        | launch deadline  | nothing
    running, replica ready        | removal failed   | nothing
    running, replica ready        | cleanup deadline | nothing
    removing                      | launched         | nothing
    removing                      | ended            | nothing
    removing                      | removed          | load_balancer.gone
    removing                      | launch deadline  | nothing
    removing                      | removal failed   | load_balancer.cleanup_failed service.status_changed
    removing                      | cleanup deadline | nothing
    removing, unlaunched          | launched         | nothing
    removing, unlaunched          | ended            | nothing
    removing, unlaunched          | removed          | load_balancer.gone
    removing, unlaunched          | launch deadline  | nothing
    removing, unlaunched          | removal failed   | load_balancer.cleanup_failed service.status_changed
    removing, unlaunched          | cleanup deadline | nothing
    removing, last of its service | launched         | nothing
    removing, last of its service | ended            | nothing
    removing, last of its service | removed          | load_balancer.gone service.gone controller.idle
    removing, last of its service | launch deadline  | nothing
    removing, last of its service | removal failed   | load_balancer.cleanup_failed service.status_changed
    removing, last of its service | cleanup deadline | nothing
    stuck                         | launched         | nothing
    stuck                         | ended            | nothing
    stuck                         | removed          | load_balancer.gone service.status_changed
    stuck                         | launch deadline  | nothing
    stuck                         | removal failed   | load_balancer.cleanup_failed
    stuck                         | cleanup deadline | load_balancer.cleanup_due
    stuck, tried again            | launched         | nothing
    stuck, tried again            | ended            | nothing
    stuck, tried again            | removed          | load_balancer.gone service.status_changed
    stuck, tried again            | launch deadline  | nothing
    stuck, tried again            | removal failed   | load_balancer.cleanup_failed
    stuck, tried again            | cleanup deadline | nothing
    """)
