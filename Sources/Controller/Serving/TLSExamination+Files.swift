import Foundation
import Lifecycle
import LoadBalancer

extension TLSFiles {
    /// The same in the load balancer's words.
    var pair: TLSPairFiles { TLSPairFiles(keyFile: keyFile, certificateFile: certificateFile) }
}

extension TLSExamination {
    /// Reads the pair, as a load balancer would.
    public init(reading files: TLSFiles) {
        self.init()
        do throws(TLSPairProblem) {
            notes = Self.notes(on: try TLSPair(files.pair), files, at: Date())
        } catch {
            problem = Problem(error.file == .key ? .key : .certificate, error.message)
        }
    }

    /// What a client will not like, and what the user would not.
    static func notes(on pair: TLSPair, _ files: TLSFiles, at now: Date) -> [String] {
        var notes: [String] = []
        let (from, until) = (
            Date(timeIntervalSince1970: Double(pair.notBeforeSeconds)),
            Date(timeIntervalSince1970: Double(pair.notAfterSeconds))
        )
        if until <= now {
            notes.append(
                "the certificate in \(files.certificateFile) was valid until \(day(until)): clients will refuse it")
        } else if from > now {
            notes.append("the certificate in \(files.certificateFile) is valid from \(day(from)) only")
        }
        if pair.isKeyOpenToAll {
            notes.append(
                "the key in \(files.keyFile) can be read by everybody on this machine: chmod 600 \(files.keyFile)")
        }
        return notes
    }

    private static func day(_ date: Date) -> String {
        let parts = Calendar(identifier: .gregorian).dateComponents([.year, .month, .day], from: date)
        return String(format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
    }
}
