import EventLog
import Foundation
import Logging
import ServiceFile

/// `config.yaml` for those who need it when nobody is there to be told that it is broken: a controller that stops runs
/// its hook also while somebody is in the middle of editing the file. What it said when it could last be read is kept
/// beside it, for its owner alone; it is not in the log, for a hook's command may hold a key.
struct ConfigurationInForce: Sendable {
    let home: Home

    private var kept: String { home.run + "/config.last-read.yaml" }

    /// What the file says; where it cannot be read, what it said when it last could.
    ///
    /// - Parameter logger: is told that it cannot.
    /// - Returns: nil where neither can be read.
    func load(_ logger: Logger) -> Configuration? {
        do {
            return try remember()
        } catch {
            let problems = error.lines.joined(separator: "; ")
            guard access(kept, F_OK) == 0, let last = try? Configuration.load(path: kept) else {
                logger.warning("\(problems)")
                return nil
            }
            logger.warning("\(problems); what it said before goes on")
            return last
        }
    }

    /// Reads the file, and keeps what it says for when it cannot be read.
    ///
    /// - Throws: ``FileProblems``, with everything that is wrong.
    @discardableResult
    func remember() throws(FileProblems) -> Configuration {
        let (configuration, text) = try Configuration.loadWithText(path: home.configuration)
        guard let text else {
            // Who takes the file away takes back what it said.
            unlink(kept)
            return configuration
        }
        let bytes = Data(text.utf8)
        if HomeFile.contents(kept) != bytes { keep(bytes) }
        return configuration
    }

    /// A disk that is full, or a home that is read-only, is no reason not to do what the file says.
    private func keep(_ bytes: Data) {
        let new = kept + ".\(getpid())"
        guard let descriptor = try? HomeFile.open(new, O_WRONLY | O_CREAT | O_TRUNC) else { return }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard (try? file.write(contentsOf: bytes)) != nil, fsync(descriptor) == 0, rename(new, kept) == 0 else {
            unlink(new)
            return
        }
    }
}
