import Controller
import Foundation
import Lifecycle

extension UpRequest {
    /// Fixes what the version runs: `run` starts in a copy of the folder that `workdir` is, or at the commit that its
    /// branch is just now, and so does every replica of the version, whenever it is launched.
    ///
    /// - Parameter current: what the service runs now, whose copy will do if the version would do exactly the same.
    /// - Returns: the copy, to be held until the log refers to it.
    mutating func keepCode(
        _ session: Session, _ controller: ControllerName, current: ServiceSpec? = nil
    ) async throws(CommandFailure) -> KeptCopy? {
        do throws(LaunchFailure) { try OutsideMounts.examine(spec.fileMounts) } catch {
            throw CommandFailure(error.description)
        }
        switch spec.workdir {
        case nil: return nil
        case .git(var repository):
            let commits = GitCommit(home: session.home, controller: controller, environment: session.environment)
            let asked = repository
            repository.commit = try await Interruption.cancelling("nothing was asked for yet") {
                (cancellation) async throws(CommandFailure) in
                let waiting = Self.sayWhatIsWaitedFor(asked)
                defer { waiting.cancel() }
                do throws(LaunchFailure) { return try await commits.find(asked, cancellation: cancellation) } catch {
                    throw CommandFailure(error.description)
                }
            }
            spec.workdir = .git(repository)
            return nil
        case .folder(let path):
            let copies = WorkdirCopies(home: session.home, controller: controller)
            let inUse = copyInUse(current)
            let copy = try await Interruption.cancelling("nothing was asked for yet, and nothing is left of the copy") {
                (cancellation) async throws(CommandFailure) in
                let progress = CopyProgress(path)
                do throws(LaunchFailure) {
                    let copy = try copies.keep(
                        path, orElse: inUse, cancellation: cancellation, report: progress.show)
                    progress.end()
                    return copy
                } catch {
                    progress.clear()
                    throw CommandFailure(error.description)
                }
            }
            spec.workdirCopy = copy.name
            return copy
        }
    }
}

extension UpRequest {
    /// Says that git has not answered, once that takes long.
    private static func sayWhatIsWaitedFor(_ repository: GitRepository) -> Task<Void, Never> {
        Task {
            try? await Task.sleep(for: .seconds(1))
            if Task.isCancelled { return }
            print("waiting for \(repository.url) to say which commit \(repository.ref ?? "HEAD") is", to: .error)
        }
    }

    /// The copy that `current` runs, if all else is as it is there: its replicas are kept then.
    private func copyInUse(_ current: ServiceSpec?) -> String? {
        guard let current else { return nil }
        var same = spec
        same.workdirCopy = current.workdirCopy
        return same.runsTheSame(as: current) ? current.workdirCopy : nil
    }
}

/// Says that a folder is being copied, once that takes long, and how much it was.
private final class CopyProgress {
    private let path: String
    private let line: ProgressLine
    private let begun = ContinuousClock.now
    private var isShown = false
    private var last = ContinuousClock.now
    private var sum = ""

    init(_ path: String) {
        self.path = path
        line = ProgressLine("copying")
    }

    func show(_ files: Int, _ bytes: Int64) {
        let now = ContinuousClock.now
        guard now - last > .milliseconds(200) else { return }
        last = now
        guard isShown || now - begun > .seconds(1) else { return }
        sum = "\(files) file\(files == 1 ? "" : "s"), \(bytes >> 20) MB"
        if !isShown {
            isShown = true
            print(
                "copying the workdir \(path) (\(sum) so far); what need not be there can be named in its .skyignore",
                to: .error)
        }
        line.show(sum)
    }

    func clear() {
        if isShown { line.clear() }
    }

    func end() {
        guard isShown else { return }
        line.clear()
        print("the workdir is copied after \(TimeText.seconds(since: begun))", to: .error)
    }
}
