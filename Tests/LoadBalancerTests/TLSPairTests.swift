import Foundation
import Testing

@testable import LoadBalancer

/// What is said of a pair that cannot be used.
@Suite struct TLSPairTests {
    private let certificates: Certificates
    private let good: TLSPairFiles

    init() throws {
        certificates = try Certificates()
        good = try certificates.make()
    }

    private func problem(key: String? = nil, certificate: String? = nil) -> TLSPairProblem? {
        do throws(TLSPairProblem) {
            _ = try TLSPair(
                TLSPairFiles(keyFile: key ?? good.keyFile, certificateFile: certificate ?? good.certificateFile))
            return nil
        } catch {
            return error
        }
    }

    @Test func aGoodPair() throws {
        let pair = try TLSPair(good)
        #expect(Double(pair.notAfterSeconds) - Date().timeIntervalSince1970 > 86_400)
        #expect(!pair.isKeyOpenToAll)
        chmod(good.keyFile, 0o644)
        #expect(try TLSPair(good).isKeyOpenToAll)
        // Both may be in one file, in any order.
        let both = try [good.keyFile, good.certificateFile].map { try String(contentsOfFile: $0, encoding: .utf8) }
        let file = try certificates.write(both.joined(), to: "both.pem")
        #expect(problem(key: file, certificate: file) == nil)
    }

    @Test func aKeyOfAnotherCertificate() throws {
        let other = try certificates.make("two")
        let found = try #require(problem(key: other.keyFile))
        #expect(found.file == .key && found.message.contains("is not the key of the certificate in"), "\(found)")
        // A chain whose order is wrong is a likely reason.
        let chain = try [other.certificateFile, good.certificateFile].map {
            try String(contentsOfFile: $0, encoding: .utf8)
        }
        let file = try certificates.write(chain.joined(), to: "chain.pem")
        #expect(try #require(problem(certificate: file)).message.contains("must be the first of that file"))
        #expect(problem(key: other.keyFile, certificate: file) == nil)
    }

    @Test func filesThatAreExchanged() throws {
        let found = try #require(problem(key: good.certificateFile, certificate: good.keyFile))
        #expect(found.file == .certificate && found.message.contains("are the two files exchanged?"), "\(found)")
        #expect(try #require(problem(key: good.certificateFile)).message.contains("are the two files exchanged?"))
    }

    /// In both of the forms that there are.
    @Test func aKeyThatIsLocked() throws {
        let locked = certificates.path("locked.key")
        for command in ["pkey", "ec"] {
            try certificates.openssl(
                command, "-aes256", "-passout", "pass:word", "-in", good.keyFile, "-out", locked)
            let found = try #require(problem(key: locked))
            #expect(found.file == .key && found.message.contains("is locked with a passphrase"), "\(found)")
        }
    }

    @Test func filesThatHoldNothingOfTheKind() throws {
        for (text, sentence) in [("", "is empty"), ("hello", "holds no "), ("\u{0}\u{1}", "holds no ")] {
            let file = try certificates.write(text, to: "other")
            #expect(try #require(problem(key: file)).message.contains(sentence))
            #expect(try #require(problem(certificate: file)).message.contains(sentence))
        }
        let large = try certificates.write(String(repeating: "x", count: 1_100_000), to: "large")
        #expect(try #require(problem(key: large)).message.contains("larger than a megabyte"))
        #expect(try #require(problem(key: certificates.folder)).message.hasSuffix("is not a file"))
        #expect(try #require(problem(key: "/dev/zero")).message.hasSuffix("is not a file"))
        #expect(try #require(problem(key: certificates.path("none"))).message.hasSuffix("No such file or directory"))
    }

    /// Cut off anywhere, it is refused in words, and none of it is in them.
    @Test func filesThatAreCutOff() throws {
        let key = try String(contentsOfFile: good.keyFile, encoding: .utf8)
        let certificate = try String(contentsOfFile: good.certificateFile, encoding: .utf8)
        for length in stride(from: 1, to: key.count - 30, by: 7) {
            let file = try certificates.write(String(key.prefix(length)), to: "cut.key")
            let found = try #require(problem(key: file))
            #expect(found.file == .key && !found.message.contains(key.dropFirst(30).prefix(20)))
        }
        for length in stride(from: 1, to: certificate.count - 30, by: 13) {
            let file = try certificates.write(String(certificate.prefix(length)), to: "cut.crt")
            #expect(problem(certificate: file)?.file == .certificate)
        }
    }
}
