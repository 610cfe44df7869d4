import Glibc
import NIOSSL

/// Where a certificate with its chain and the key of it are: paths of PEM files.
public struct TLSPairFiles: Hashable, Sendable {
    public var keyFile: String
    public var certificateFile: String

    public init(keyFile: String, certificateFile: String) {
        self.keyFile = keyFile
        self.certificateFile = certificateFile
    }
}

/// A certificate and its key, read and found to belong together. Nothing of the key is ever printed.
public struct TLSPair: Sendable {
    /// Seconds since 1970 between which the certificate is valid.
    public let notBeforeSeconds: Int
    public let notAfterSeconds: Int
    /// Whether anybody on this machine may read the key.
    public let isKeyOpenToAll: Bool
    /// The files as they were read.
    let stamps: Stamps
    let context: NIOSSLContext

    /// Reads both files.
    public init(_ files: TLSPairFiles) throws(TLSPairProblem) {
        let certificateFile = try PEMFile(files.certificateFile, .certificate)
        let keyFile = try PEMFile(files.keyFile, .key)
        let chain = try Self.chain(certificateFile)
        let key = try Self.key(keyFile)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        // How long the end of a connection waits for the other side to agree to it.
        configuration.shutdownTimeout = .milliseconds(500)
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw TLSPairProblem(
                .key,
                "\(files.keyFile) is not the key of the certificate in \(files.certificateFile)"
                    + (chain.count > 1 ? " (the service's own certificate must be the first of that file)" : ""))
        }
        notBeforeSeconds = chain[0].notValidBefore
        notAfterSeconds = chain[0].notValidAfter
        isKeyOpenToAll = keyFile.mode & 0o004 != 0
        stamps = Stamps(key: keyFile.stamp, certificate: certificateFile.stamp)
    }

    private static func chain(_ file: PEMFile) throws(TLSPairProblem) -> [NIOSSLCertificate] {
        guard file.contains("-----BEGIN CERTIFICATE-----") || file.contains("-----BEGIN TRUSTED CERTIFICATE-----")
        else {
            let found = file.contains("PRIVATE KEY-----") ? ", but a private key: are the two files exchanged?" : ""
            throw TLSPairProblem(.certificate, "\(file.path) holds no certificate in PEM form\(found)")
        }
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(file.bytes)
            if !chain.isEmpty { return chain }
        } catch {
            // Told below: what BoringSSL says of it helps nobody.
        }
        throw TLSPairProblem(.certificate, "\(file.path) holds a certificate that cannot be read; is it cut off?")
    }

    private static func key(_ file: PEMFile) throws(TLSPairProblem) -> NIOSSLPrivateKey {
        guard file.contains("PRIVATE KEY-----") else {
            let found = file.contains("CERTIFICATE-----") ? ", but a certificate: are the two files exchanged?" : ""
            throw TLSPairProblem(.key, "\(file.path) holds no private key in PEM form\(found)")
        }
        if file.contains("BEGIN ENCRYPTED PRIVATE KEY") || file.contains("Proc-Type: 4,ENCRYPTED") {
            throw TLSPairProblem(
                .key,
                "\(file.path) is locked with a passphrase, which nobody could type when the load balancer starts "
                    + "again; unlock it: openssl pkey -in \(file.path) -out key.pem")
        }
        do {
            return try NIOSSLPrivateKey(bytes: file.bytes, format: .pem)
        } catch {
            throw TLSPairProblem(.key, "\(file.path) holds a private key that cannot be read; is it cut off?")
        }
    }
}

/// Why a pair cannot be used.
public struct TLSPairProblem: Error, Hashable, Sendable {
    public enum File: Hashable, Sendable { case key, certificate }

    /// The file that is to blame.
    public let file: File
    /// What is wrong, with the path, and never with a byte of the file.
    public let message: String

    init(_ file: File, _ message: String) {
        self.file = file
        self.message = message
    }
}

/// What tells one state of a file from another.
struct FileStamp: Hashable, Sendable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let modified: [Int]

    init(_ status: stat) {
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        // Both: a file that is copied with its times has an older one than the file it replaces.
        modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }

    /// Follows links, as whoever renews certificates changes them; nil when there is no such file.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}

/// What tells one state of a pair from another.
struct Stamps: Hashable, Sendable {
    let key: FileStamp?
    let certificate: FileStamp?

    init(key: FileStamp?, certificate: FileStamp?) {
        self.key = key
        self.certificate = certificate
    }

    init(_ files: TLSPairFiles) {
        self.init(key: FileStamp(path: files.keyFile), certificate: FileStamp(path: files.certificateFile))
    }
}

/// A file as it was read, and its state then.
private struct PEMFile {
    /// No chain of certificates comes near it.
    private static let limit = 1 << 20

    let path: String
    let bytes: [UInt8]
    let stamp: FileStamp
    let mode: mode_t

    init(_ path: String, _ file: TLSPairProblem.File) throws(TLSPairProblem) {
        self.path = path
        // A pipe must not keep us waiting.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw TLSPairProblem(file, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw TLSPairProblem(file, "\(path) is not a file")
        }
        guard status.st_size <= Self.limit else {
            throw TLSPairProblem(file, "\(path) is larger than a megabyte, and no PEM file")
        }
        stamp = FileStamp(status)
        mode = status.st_mode
        var bytes = [UInt8](repeating: 0, count: Self.limit + 1)
        var count = 0
        while count < bytes.count {
            let read = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count)
            }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else {
                throw TLSPairProblem(file, "cannot read \(path): \(String(cString: strerror(errno)))")
            }
            if read == 0 { break }
            count += read
        }
        guard count > 0 else { throw TLSPairProblem(file, "\(path) is empty") }
        self.bytes = Array(bytes.prefix(count))
    }

    func contains(_ text: String) -> Bool { bytes.firstRange(of: Array(text.utf8)) != nil }
}
