import Lifecycle
import Synchronization

/// What was said last of launches that are tried again and again, so that a log is not filled with one sentence, least of all
/// on a disk that is full.
final class RepeatedFailures: Sendable {
    private let said = Mutex<[ReplicaReference: String]>([:])

    /// Whether another reason was told last, or none.
    func isNews(_ reason: String, of replica: ReplicaReference) -> Bool {
        said.withLock { $0.updateValue(reason, forKey: replica) != reason }
    }

    func forget(_ replica: ReplicaReference) { _ = said.withLock { $0.removeValue(forKey: replica) } }
}
