/// Every state of a controller and every command, and what follows. In `up` there is one service, `api`,
/// whose replica and load balancer are not launched yet; in all others there is none. Commands come an
/// hour later; in what is called due that is after its deadline, else before.
let controllerTable = TransitionTable<GivenController, WhenCommand>(
    """
    absent                | up api               | controller.starting service.up_requested
    absent                | up chat              | controller.starting service.up_requested
    absent                | down api             | refused: noSuchService
    absent                | start                | controller.starting
    absent                | stop                 | refused: noSuchController
    absent                | terminate            | refused: noSuchController
    absent                | terminate --force    | refused: noSuchController
    absent                | setAutostop          | refused: noSuchController
    absent                | takeOver             | refused: nothingToRun
    absent                | startFailed          | nothing
    absent                | idleDeadlineReached  | nothing
    absent                | stopFinished         | nothing
    absent                | terminationFinished  | nothing
    absent                | loadBalancerLaunched | nothing
    absent                | loadBalancerEnded    | nothing
    absent                | loadBalancerRemoved  | nothing
    absent                | replicaLaunched      | nothing
    absent                | replicaLaunchFailed  | nothing
    absent                | replicaStarted       | nothing
    absent                | replicaProbed        | nothing
    absent                | replicaEnded         | nothing
    absent                | replicaRemoved       | nothing
    absent                | replicaRemovalFailed | nothing
    absent                | update               | refused: noSuchService
    absent                | replicaDrained       | nothing
    absent                | hookStarted          | nothing
    absent                | hookEnded            | nothing
    absent                | serviceUnused        | nothing
    absent                | useSeen              | nothing
    absent                | pauseAutostop        | refused: noSuchController
    absent                | resumeAutostop       | refused: noSuchController
    absent                | loadBalancerStuck    | nothing
    absent                | down --purge         | refused: noSuchService
    absent                | scale                | nothing
    absent                | down --replica-id    | refused: noSuchService
    starting              | up api               | service.up_requested
    starting              | up chat              | service.up_requested
    starting              | down api             | refused: noSuchService
    starting              | start                | nothing
    starting              | stop                 | controller.stopping
    starting              | terminate            | controller.terminating
    starting              | terminate --force    | controller.terminating
    starting              | setAutostop          | controller.policy_set
    starting              | takeOver             | controller.started controller.idle
    starting              | startFailed          | controller.start_failed
    starting              | idleDeadlineReached  | nothing
    starting              | stopFinished         | nothing
    starting              | terminationFinished  | nothing
    starting              | loadBalancerLaunched | nothing
    starting              | loadBalancerEnded    | nothing
    starting              | loadBalancerRemoved  | nothing
    starting              | replicaLaunched      | nothing
    starting              | replicaLaunchFailed  | nothing
    starting              | replicaStarted       | nothing
    starting              | replicaProbed        | nothing
    starting              | replicaEnded         | nothing
    starting              | replicaRemoved       | nothing
    starting              | replicaRemovalFailed | nothing
    starting              | update               | refused: noSuchService
    starting              | replicaDrained       | nothing
    starting              | hookStarted          | nothing
    starting              | hookEnded            | nothing
    starting              | serviceUnused        | nothing
    starting              | useSeen              | nothing
    starting              | pauseAutostop        | controller.autostop_paused
    starting              | resumeAutostop       | nothing
    starting              | loadBalancerStuck    | nothing
    starting              | down --purge         | refused: noSuchService
    starting              | scale                | nothing
    starting              | down --replica-id    | refused: noSuchService
    starting, held        | up api               | service.up_requested controller.policy_set
    starting, held        | up chat              | service.up_requested controller.policy_set
    starting, held        | down api             | refused: noSuchService
    starting, held        | start                | nothing
    starting, held        | stop                 | controller.stopping
    starting, held        | terminate            | controller.terminating
    starting, held        | terminate --force    | controller.terminating
    starting, held        | setAutostop          | controller.policy_set
    starting, held        | takeOver             | nothing
    starting, held        | startFailed          | controller.start_failed
    starting, held        | idleDeadlineReached  | nothing
    starting, held        | stopFinished         | nothing
    starting, held        | terminationFinished  | nothing
    starting, held        | loadBalancerLaunched | nothing
    starting, held        | loadBalancerEnded    | nothing
    starting, held        | loadBalancerRemoved  | nothing
    starting, held        | replicaLaunched      | nothing
    starting, held        | replicaLaunchFailed  | nothing
    starting, held        | replicaStarted       | nothing
    starting, held        | replicaProbed        | nothing
    starting, held        | replicaEnded         | nothing
    starting, held        | replicaRemoved       | nothing
    starting, held        | replicaRemovalFailed | nothing
    starting, held        | update               | refused: noSuchService
    starting, held        | replicaDrained       | nothing
    starting, held        | hookStarted          | nothing
    starting, held        | hookEnded            | nothing
    starting, held        | serviceUnused        | nothing
    starting, held        | useSeen              | nothing
    starting, held        | pauseAutostop        | controller.autostop_paused
    starting, held        | resumeAutostop       | nothing
    starting, held        | loadBalancerStuck    | nothing
    starting, held        | down --purge         | refused: noSuchService
    starting, held        | scale                | nothing
    starting, held        | down --replica-id    | refused: noSuchService
    starting, due         | up api               | controller.start_due service.up_requested controller.policy_set
    starting, due         | up chat              | controller.start_due service.up_requested controller.policy_set
    starting, due         | down api             | refused: noSuchService
    starting, due         | start                | controller.start_due
    starting, due         | stop                 | controller.start_due controller.stopping
    starting, due         | terminate            | controller.start_due controller.terminating
    starting, due         | terminate --force    | controller.start_due controller.terminating
    starting, due         | setAutostop          | controller.start_due controller.policy_set
    starting, due         | takeOver             | controller.start_due controller.started controller.idle
    starting, due         | startFailed          | controller.start_failed
    starting, due         | idleDeadlineReached  | nothing
    starting, due         | stopFinished         | nothing
    starting, due         | terminationFinished  | nothing
    starting, due         | loadBalancerLaunched | nothing
    starting, due         | loadBalancerEnded    | nothing
    starting, due         | loadBalancerRemoved  | nothing
    starting, due         | replicaLaunched      | nothing
    starting, due         | replicaLaunchFailed  | nothing
    starting, due         | replicaStarted       | nothing
    starting, due         | replicaProbed        | nothing
    starting, due         | replicaEnded         | nothing
    starting, due         | replicaRemoved       | nothing
    starting, due         | replicaRemovalFailed | nothing
    starting, due         | update               | refused: noSuchService
    starting, due         | replicaDrained       | nothing
    starting, due         | hookStarted          | nothing
    starting, due         | hookEnded            | nothing
    starting, due         | serviceUnused        | nothing
    starting, due         | useSeen              | nothing
    starting, due         | pauseAutostop        | controller.start_due controller.autostop_paused
    starting, due         | resumeAutostop       | controller.start_due
    starting, due         | loadBalancerStuck    | nothing
    starting, due         | down --purge         | refused: noSuchService
    starting, due         | scale                | nothing
    starting, due         | down --replica-id    | refused: noSuchService
    up                    | up api               | refused: serviceExists
    up                    | up chat              | service.up_requested replica.added load_balancer.added service.status_changed
    up                    | down api             | service.down_requested replica.removing load_balancer.removing service.status_changed
    up                    | start                | nothing
    up                    | stop                 | controller.stopping replica.removing load_balancer.removing service.status_changed
    up                    | terminate            | refused: liveServices
    up                    | terminate --force    | controller.terminating service.down_requested replica.removing load_balancer.removing service.status_changed
    up                    | setAutostop          | controller.policy_set
    up                    | takeOver             | controller.recovered
    up                    | startFailed          | nothing
    up                    | idleDeadlineReached  | nothing
    up                    | stopFinished         | nothing
    up                    | terminationFinished  | nothing
    up                    | loadBalancerLaunched | load_balancer.launched
    up                    | loadBalancerEnded    | load_balancer.ended
    up                    | loadBalancerRemoved  | nothing
    up                    | replicaLaunched      | replica.launched replica.starting
    up                    | replicaLaunchFailed  | replica.removing service.launches_stopped service.status_changed
    up                    | replicaStarted       | nothing
    up                    | replicaProbed        | nothing
    up                    | replicaEnded         | nothing
    up                    | replicaRemoved       | nothing
    up                    | replicaRemovalFailed | nothing
    up                    | update               | service.updated replica.added
    up                    | replicaDrained       | nothing
    up                    | hookStarted          | nothing
    up                    | hookEnded            | nothing
    up                    | serviceUnused        | nothing
    up                    | useSeen              | nothing
    up                    | pauseAutostop        | controller.autostop_paused
    up                    | resumeAutostop       | nothing
    up                    | loadBalancerStuck    | nothing
    up                    | down --purge         | service.down_requested replica.removing load_balancer.removing service.status_changed
    up                    | scale                | nothing
    up                    | down --replica-id    | replica.removing replica.added
    idle                  | up api               | service.up_requested controller.woken replica.added load_balancer.added service.status_changed controller.policy_set
    idle                  | up chat              | service.up_requested controller.woken replica.added load_balancer.added service.status_changed controller.policy_set
    idle                  | down api             | refused: noSuchService
    idle                  | start                | nothing
    idle                  | stop                 | controller.stopping
    idle                  | terminate            | controller.terminating
    idle                  | terminate --force    | controller.terminating
    idle                  | setAutostop          | controller.policy_set controller.idle
    idle                  | takeOver             | controller.recovered
    idle                  | startFailed          | nothing
    idle                  | idleDeadlineReached  | nothing
    idle                  | stopFinished         | nothing
    idle                  | terminationFinished  | nothing
    idle                  | loadBalancerLaunched | nothing
    idle                  | loadBalancerEnded    | nothing
    idle                  | loadBalancerRemoved  | nothing
    idle                  | replicaLaunched      | nothing
    idle                  | replicaLaunchFailed  | nothing
    idle                  | replicaStarted       | nothing
    idle                  | replicaProbed        | nothing
    idle                  | replicaEnded         | nothing
    idle                  | replicaRemoved       | nothing
    idle                  | replicaRemovalFailed | nothing
    idle                  | update               | refused: noSuchService
    idle                  | replicaDrained       | nothing
    idle                  | hookStarted          | nothing
    idle                  | hookEnded            | nothing
    idle                  | serviceUnused        | nothing
    idle                  | useSeen              | nothing
    idle                  | pauseAutostop        | controller.autostop_paused controller.idle
    idle                  | resumeAutostop       | nothing
    idle                  | loadBalancerStuck    | nothing
    idle                  | down --purge         | refused: noSuchService
    idle                  | scale                | nothing
    idle                  | down --replica-id    | refused: noSuchService
    idle, due             | up api               | controller.stopping controller.start_requested service.up_requested
    idle, due             | up chat              | controller.stopping controller.start_requested service.up_requested
    idle, due             | down api             | refused: noSuchService
    idle, due             | start                | controller.stopping controller.start_requested
    idle, due             | stop                 | controller.stopping
    idle, due             | terminate            | controller.stopping controller.terminating
    idle, due             | terminate --force    | controller.stopping controller.terminating
    idle, due             | setAutostop          | controller.stopping controller.policy_set
    idle, due             | takeOver             | controller.recovered
    idle, due             | startFailed          | nothing
    idle, due             | idleDeadlineReached  | controller.stopping
    idle, due             | stopFinished         | nothing
    idle, due             | terminationFinished  | nothing
    idle, due             | loadBalancerLaunched | nothing
    idle, due             | loadBalancerEnded    | nothing
    idle, due             | loadBalancerRemoved  | nothing
    idle, due             | replicaLaunched      | nothing
    idle, due             | replicaLaunchFailed  | nothing
    idle, due             | replicaStarted       | nothing
    idle, due             | replicaProbed        | nothing
    idle, due             | replicaEnded         | nothing
    idle, due             | replicaRemoved       | nothing
    idle, due             | replicaRemovalFailed | nothing
    idle, due             | update               | refused: noSuchService
    idle, due             | replicaDrained       | nothing
    idle, due             | hookStarted          | nothing
    idle, due             | hookEnded            | nothing
    idle, due             | serviceUnused        | nothing
    idle, due             | useSeen              | nothing
    idle, due             | pauseAutostop        | controller.stopping controller.autostop_paused
    idle, due             | resumeAutostop       | controller.stopping
    idle, due             | loadBalancerStuck    | nothing
    idle, due             | down --purge         | refused: noSuchService
    idle, due             | scale                | nothing
    idle, due             | down --replica-id    | refused: noSuchService
    idle, never           | up api               | service.up_requested controller.woken replica.added load_balancer.added service.status_changed
    idle, never           | up chat              | service.up_requested controller.woken replica.added load_balancer.added service.status_changed
    idle, never           | down api             | refused: noSuchService
    idle, never           | start                | nothing
    idle, never           | stop                 | controller.stopping
    idle, never           | terminate            | controller.terminating
    idle, never           | terminate --force    | controller.terminating
    idle, never           | setAutostop          | controller.policy_set controller.idle
    idle, never           | takeOver             | controller.recovered
    idle, never           | startFailed          | nothing
    idle, never           | idleDeadlineReached  | nothing
    idle, never           | stopFinished         | nothing
    idle, never           | terminationFinished  | nothing
    idle, never           | loadBalancerLaunched | nothing
    idle, never           | loadBalancerEnded    | nothing
    idle, never           | loadBalancerRemoved  | nothing
    idle, never           | replicaLaunched      | nothing
    idle, never           | replicaLaunchFailed  | nothing
    idle, never           | replicaStarted       | nothing
    idle, never           | replicaProbed        | nothing
    idle, never           | replicaEnded         | nothing
    idle, never           | replicaRemoved       | nothing
    idle, never           | replicaRemovalFailed | nothing
    idle, never           | update               | refused: noSuchService
    idle, never           | replicaDrained       | nothing
    idle, never           | hookStarted          | nothing
    idle, never           | hookEnded            | nothing
    idle, never           | serviceUnused        | nothing
    idle, never           | useSeen              | nothing
    idle, never           | pauseAutostop        | controller.autostop_paused controller.idle
    idle, never           | resumeAutostop       | nothing
    idle, never           | loadBalancerStuck    | nothing
    idle, never           | down --purge         | refused: noSuchService
    idle, never           | scale                | nothing
    idle, never           | down --replica-id    | refused: noSuchService
    stopping              | up api               | controller.start_requested service.up_requested
    stopping              | up chat              | controller.start_requested service.up_requested
    stopping              | down api             | refused: noSuchService
    stopping              | start                | controller.start_requested
    stopping              | stop                 | nothing
    stopping              | terminate            | controller.terminating
    stopping              | terminate --force    | controller.terminating
    stopping              | setAutostop          | controller.policy_set
    stopping              | takeOver             | controller.recovered
    stopping              | startFailed          | nothing
    stopping              | idleDeadlineReached  | nothing
    stopping              | stopFinished         | controller.stopped
    stopping              | terminationFinished  | nothing
    stopping              | loadBalancerLaunched | nothing
    stopping              | loadBalancerEnded    | nothing
    stopping              | loadBalancerRemoved  | nothing
    stopping              | replicaLaunched      | nothing
    stopping              | replicaLaunchFailed  | nothing
    stopping              | replicaStarted       | nothing
    stopping              | replicaProbed        | nothing
    stopping              | replicaEnded         | nothing
    stopping              | replicaRemoved       | nothing
    stopping              | replicaRemovalFailed | nothing
    stopping              | update               | refused: noSuchService
    stopping              | replicaDrained       | nothing
    stopping              | hookStarted          | nothing
    stopping              | hookEnded            | nothing
    stopping              | serviceUnused        | nothing
    stopping              | useSeen              | nothing
    stopping              | pauseAutostop        | controller.autostop_paused
    stopping              | resumeAutostop       | nothing
    stopping              | loadBalancerStuck    | nothing
    stopping              | down --purge         | refused: noSuchService
    stopping              | scale                | nothing
    stopping              | down --replica-id    | refused: noSuchService
    stopping, start again | up api               | service.up_requested
    stopping, start again | up chat              | service.up_requested
    stopping, start again | down api             | refused: noSuchService
    stopping, start again | start                | nothing
    stopping, start again | stop                 | controller.stopping
    stopping, start again | terminate            | controller.terminating
    stopping, start again | terminate --force    | controller.terminating
    stopping, start again | setAutostop          | controller.policy_set
    stopping, start again | takeOver             | controller.recovered
    stopping, start again | startFailed          | nothing
    stopping, start again | idleDeadlineReached  | nothing
    stopping, start again | stopFinished         | controller.stopped controller.starting
    stopping, start again | terminationFinished  | nothing
    stopping, start again | loadBalancerLaunched | nothing
    stopping, start again | loadBalancerEnded    | nothing
    stopping, start again | loadBalancerRemoved  | nothing
    stopping, start again | replicaLaunched      | nothing
    stopping, start again | replicaLaunchFailed  | nothing
    stopping, start again | replicaStarted       | nothing
    stopping, start again | replicaProbed        | nothing
    stopping, start again | replicaEnded         | nothing
    stopping, start again | replicaRemoved       | nothing
    stopping, start again | replicaRemovalFailed | nothing
    stopping, start again | update               | refused: noSuchService
    stopping, start again | replicaDrained       | nothing
    stopping, start again | hookStarted          | nothing
    stopping, start again | hookEnded            | nothing
    stopping, start again | serviceUnused        | nothing
    stopping, start again | useSeen              | nothing
    stopping, start again | pauseAutostop        | controller.autostop_paused
    stopping, start again | resumeAutostop       | nothing
    stopping, start again | loadBalancerStuck    | nothing
    stopping, start again | down --purge         | refused: noSuchService
    stopping, start again | scale                | nothing
    stopping, start again | down --replica-id    | refused: noSuchService
    stopped               | up api               | controller.starting service.up_requested
    stopped               | up chat              | controller.starting service.up_requested
    stopped               | down api             | refused: noSuchService
    stopped               | start                | controller.starting
    stopped               | stop                 | nothing
    stopped               | terminate            | controller.terminating controller.terminated
    stopped               | terminate --force    | controller.terminating controller.terminated
    stopped               | setAutostop          | controller.policy_set
    stopped               | takeOver             | refused: nothingToRun
    stopped               | startFailed          | nothing
    stopped               | idleDeadlineReached  | nothing
    stopped               | stopFinished         | nothing
    stopped               | terminationFinished  | nothing
    stopped               | loadBalancerLaunched | nothing
    stopped               | loadBalancerEnded    | nothing
    stopped               | loadBalancerRemoved  | nothing
    stopped               | replicaLaunched      | nothing
    stopped               | replicaLaunchFailed  | nothing
    stopped               | replicaStarted       | nothing
    stopped               | replicaProbed        | nothing
    stopped               | replicaEnded         | nothing
    stopped               | replicaRemoved       | nothing
    stopped               | replicaRemovalFailed | nothing
    stopped               | update               | refused: noSuchService
    stopped               | replicaDrained       | nothing
    stopped               | hookStarted          | nothing
    stopped               | hookEnded            | nothing
    stopped               | serviceUnused        | nothing
    stopped               | useSeen              | nothing
    stopped               | pauseAutostop        | controller.autostop_paused
    stopped               | resumeAutostop       | nothing
    stopped               | loadBalancerStuck    | nothing
    stopped               | down --purge         | refused: noSuchService
    stopped               | scale                | nothing
    stopped               | down --replica-id    | refused: noSuchService
    failed                | up api               | controller.starting service.up_requested
    failed                | up chat              | controller.starting service.up_requested
    failed                | down api             | refused: noSuchService
    failed                | start                | controller.starting
    failed                | stop                 | controller.stopped
    failed                | terminate            | controller.terminating controller.terminated
    failed                | terminate --force    | controller.terminating controller.terminated
    failed                | setAutostop          | controller.policy_set
    failed                | takeOver             | refused: nothingToRun
    failed                | startFailed          | nothing
    failed                | idleDeadlineReached  | nothing
    failed                | stopFinished         | nothing
    failed                | terminationFinished  | nothing
    failed                | loadBalancerLaunched | nothing
    failed                | loadBalancerEnded    | nothing
    failed                | loadBalancerRemoved  | nothing
    failed                | replicaLaunched      | nothing
    failed                | replicaLaunchFailed  | nothing
    failed                | replicaStarted       | nothing
    failed                | replicaProbed        | nothing
    failed                | replicaEnded         | nothing
    failed                | replicaRemoved       | nothing
    failed                | replicaRemovalFailed | nothing
    failed                | update               | refused: noSuchService
    failed                | replicaDrained       | nothing
    failed                | hookStarted          | nothing
    failed                | hookEnded            | nothing
    failed                | serviceUnused        | nothing
    failed                | useSeen              | nothing
    failed                | pauseAutostop        | controller.autostop_paused
    failed                | resumeAutostop       | nothing
    failed                | loadBalancerStuck    | nothing
    failed                | down --purge         | refused: noSuchService
    failed                | scale                | nothing
    failed                | down --replica-id    | refused: noSuchService
    terminating           | up api               | refused: terminating
    terminating           | up chat              | refused: terminating
    terminating           | down api             | refused: noSuchService
    terminating           | start                | refused: terminating
    terminating           | stop                 | refused: terminating
    terminating           | terminate            | nothing
    terminating           | terminate --force    | nothing
    terminating           | setAutostop          | refused: terminating
    terminating           | takeOver             | controller.recovered
    terminating           | startFailed          | nothing
    terminating           | idleDeadlineReached  | nothing
    terminating           | stopFinished         | nothing
    terminating           | terminationFinished  | controller.terminated
    terminating           | loadBalancerLaunched | nothing
    terminating           | loadBalancerEnded    | nothing
    terminating           | loadBalancerRemoved  | nothing
    terminating           | replicaLaunched      | nothing
    terminating           | replicaLaunchFailed  | nothing
    terminating           | replicaStarted       | nothing
    terminating           | replicaProbed        | nothing
    terminating           | replicaEnded         | nothing
    terminating           | replicaRemoved       | nothing
    terminating           | replicaRemovalFailed | nothing
    terminating           | update               | refused: noSuchService
    terminating           | replicaDrained       | nothing
    terminating           | hookStarted          | nothing
    terminating           | hookEnded            | nothing
    terminating           | serviceUnused        | nothing
    terminating           | useSeen              | nothing
    terminating           | pauseAutostop        | refused: terminating
    terminating           | resumeAutostop       | refused: terminating
    terminating           | loadBalancerStuck    | nothing
    terminating           | down --purge         | refused: noSuchService
    terminating           | scale                | nothing
    terminating           | down --replica-id    | refused: noSuchService
    terminated            | up api               | controller.starting service.up_requested
    terminated            | up chat              | controller.starting service.up_requested
    terminated            | down api             | refused: noSuchService
    terminated            | start                | controller.starting
    terminated            | stop                 | refused: noSuchController
    terminated            | terminate            | refused: noSuchController
    terminated            | terminate --force    | refused: noSuchController
    terminated            | setAutostop          | refused: noSuchController
    terminated            | takeOver             | refused: nothingToRun
    terminated            | startFailed          | nothing
    terminated            | idleDeadlineReached  | nothing
    terminated            | stopFinished         | nothing
    terminated            | terminationFinished  | nothing
    terminated            | loadBalancerLaunched | nothing
    terminated            | loadBalancerEnded    | nothing
    terminated            | loadBalancerRemoved  | nothing
    terminated            | replicaLaunched      | nothing
    terminated            | replicaLaunchFailed  | nothing
    terminated            | replicaStarted       | nothing
    terminated            | replicaProbed        | nothing
    terminated            | replicaEnded         | nothing
    terminated            | replicaRemoved       | nothing
    terminated            | replicaRemovalFailed | nothing
    terminated            | update               | refused: noSuchService
    terminated            | replicaDrained       | nothing
    terminated            | hookStarted          | nothing
    terminated            | hookEnded            | nothing
    terminated            | serviceUnused        | nothing
    terminated            | useSeen              | nothing
    terminated            | pauseAutostop        | refused: noSuchController
    terminated            | resumeAutostop       | refused: noSuchController
    terminated            | loadBalancerStuck    | nothing
    terminated            | down --purge         | refused: noSuchService
    terminated            | scale                | nothing
    terminated            | down --replica-id    | refused: noSuchService
    """)
