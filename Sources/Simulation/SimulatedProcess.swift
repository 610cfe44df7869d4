import Lifecycle

/// A controller process: the real loop, and work in flight that advances one step at a time, so that a
/// crash can come between any two.
struct SimulatedProcess {
    /// As it is recorded.
    let name: String
    var loop: ControllerLoop
    /// Whether it has something to look at.
    var isAwake = true
    var armed: [PendingDeadline] = []
    /// What it has decided to submit and has not yet: others may be first.
    var postponed: Command?
    var retryAtBootMicroseconds: Int64?
    var jobs: [Reconciler.Subject: Job] = [:]
    /// Subjects with jobs, in the order they began, so that a run depends on nothing but its seed.
    var order: [Reconciler.Subject] = []

    /// What ended and left the state as it was, and at which version: not to be begun again there without a pause.
    private var ended: [Reconciler.Subject: (work: Work, version: Int)] = [:]

    struct Job {
        var work: Work
        var isCancelled = false
        /// What is to be reported next.
        var report: Command?
        /// Whether the last report led to an event: one that was made before leads to none.
        var wasRecorded = false
        /// Whether the job is over once the report is made.
        var endsWithReport = true
        /// What a watch has reported so far.
        var hasReportedStart = false
        var reportedVerdict: Bool?
        var autoscaler = Autoscaler()
        var load = Laws.Load()
        /// Whether the last look at what is watched found nothing to report.
        var isAtRest = false
    }

    /// Whether it has woken as the one that is recorded.
    var hasServed = false
    /// Whether its lease is still the one that everybody asks for.
    var hasLease = true
    /// Whether it was suspended when it lost its lease, and neither sees that nor is seen by the one that comes after:
    /// all it does then is wake, late.
    var isOutOfSight = false

    init(process: String) {
        name = process
        loop = ControllerLoop(process: process)
    }

    /// Timers go off; the safety poll comes once a second.
    mutating func ring(isPoll: Bool, _ now: Instant) {
        if isPoll || armed.contains(where: { $0.deadline.latenessMicroseconds(at: now) != nil }) { isAwake = true }
        if let retryAt = retryAtBootMicroseconds, retryAt <= now.bootMicroseconds {
            retryAtBootMicroseconds = nil
            loop.retry()
            ended = [:]
            isAwake = true
        }
    }

    mutating func begin(_ work: Work, atVersion version: Int) throws(Violation) {
        if let last = ended.removeValue(forKey: work.subject), last.work == work, last.version == version {
            throw Violation(law: "back-off", what: "\(work) had no effect, and is begun again at once")
        }
        guard jobs[work.subject] == nil else {
            throw Violation(law: "L7", what: "\(work) is begun beside other work for the same subject")
        }
        jobs[work.subject] = Job(work: work)
        order.append(work.subject)
    }

    mutating func end(_ subject: Reconciler.Subject, atVersion version: Int) {
        if let job = jobs.removeValue(forKey: subject) { ended[subject] = (job.work, version) }
        order.removeAll { $0 == subject }
        loop.finished(subject, atVersion: version)
        isAwake = true
    }
}
