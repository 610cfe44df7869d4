/// Every phase of a load balancer and every report about one, and what follows. Reports come an hour
/// later, so that every deadline is due.
let loadBalancerTable = TransitionTable<GivenLoadBalancer, WhenLoadBalancer>(
    """
    none                          | launched        | nothing
    none                          | ended           | nothing
    none                          | removed         | nothing
    none                          | launch deadline | nothing
    pending                       | launched        | load_balancer.launched
    pending                       | ended           | load_balancer.ended
    pending                       | removed         | nothing
    pending                       | launch deadline | nothing
    pending, replica ready        | launched        | load_balancer.launched service.status_changed
    pending, replica ready        | ended           | load_balancer.ended
    pending, replica ready        | removed         | nothing
    pending, replica ready        | launch deadline | nothing
    backing off                   | launched        | load_balancer.launched
    backing off                   | ended           | load_balancer.ended
    backing off                   | removed         | nothing
    backing off                   | launch deadline | load_balancer.launch_due
    running                       | launched        | nothing
    running                       | ended           | load_balancer.ended
    running                       | removed         | nothing
    running                       | launch deadline | nothing
    running, replica ready        | launched        | nothing
    running, replica ready        | ended           | load_balancer.ended service.status_changed
    running, replica ready        | removed         | nothing
    running, replica ready        | launch deadline | nothing
    removing                      | launched        | nothing
    removing                      | ended           | nothing
    removing                      | removed         | load_balancer.gone
    removing                      | launch deadline | nothing
    removing, unlaunched          | launched        | nothing
    removing, unlaunched          | ended           | nothing
    removing, unlaunched          | removed         | load_balancer.gone
    removing, unlaunched          | launch deadline | nothing
    removing, last of its service | launched        | nothing
    removing, last of its service | ended           | nothing
    removing, last of its service | removed         | load_balancer.gone service.gone controller.idle
    removing, last of its service | launch deadline | nothing
    """)
