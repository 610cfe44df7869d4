import Lifecycle

/// A service on the command line: its name, or a pattern for names as the shell has them (glob(7)).
enum ServicePattern {
    case name(ServiceName)
    case glob(String)

    init(_ text: String) throws(CommandFailure) {
        // Whatever else is in a pattern, it matches no name that cannot be one.
        self = text.contains(where: { "*?[".contains($0) }) ? .glob(text) : .name(try NameArgument.service(text))
    }

    var isPattern: Bool {
        if case .glob = self { true } else { false }
    }
}
