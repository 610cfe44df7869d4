extension ControllerState {
    /// Names of the copies of folders that anything of it may still start in: they must stay.
    public var workdirCopiesInUse: Set<String> {
        Set(services.values.flatMap { [$0.spec] + $0.earlierSpecs.values }.compactMap(\.workdirCopy))
    }
}
