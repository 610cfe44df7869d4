import Foundation
import Lifecycle
import ServiceFile

/// What an `up` asks for, read from the service file and the command line.
struct UpRequest {
    /// Load balancers listen on loopback unless told otherwise.
    static let host = "127.0.0.1"

    let service: ServiceName
    let spec: ServiceSpec
    /// Sentences about what in the file does nothing here.
    let notes: [String]
}
extension UpRequest {
    init(file: String, name: String?, env: [String]) throws(CommandFailure) {
        do { let (n, s) = try ServiceFile.spec(file); service = name.flatMap(ServiceName.init(rawValue:)) ?? n; spec = s; notes = [] } catch { throw CommandFailure("\(error)", exitCode: 2) }
    }
}
