import Controller
import Foundation
import Lifecycle

extension UpRequest {
    /// Fixes what the version runs: `run` starts in a copy of the folder that `workdir` is, or at the commit that its
    /// branch is just now, and so does every replica of the version, whenever it is launched.
    ///
    /// - Returns: the copy, to be held until the log refers to it.
    mutating func keepCode(_ session: Session, _ controller: ControllerName) async throws(CommandFailure) -> KeptCopy? {
        do throws(LaunchFailure) {
            try OutsideMounts.examine(spec.fileMounts)
            switch spec.workdir {
            case nil: return nil
            case .git(var repository):
                let commits = GitCommit(home: session.home, controller: controller, environment: session.environment)
                repository.commit = try await commits.find(repository)
                spec.workdir = .git(repository)
                return nil
            case .folder(let path):
                let progress = CopyProgress(path)
                defer { progress.end() }
                let copy = try WorkdirCopies(home: session.home, controller: controller).keep(
                    path, report: progress.show)
                spec.workdirCopy = copy.digest
                return copy
            }
        } catch {
            throw CommandFailure(error.description)
        }
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

    func end() {
        guard isShown else { return }
        line.clear()
        print("the workdir is copied after \(TimeText.seconds(since: begun))", to: .error)
    }
}
