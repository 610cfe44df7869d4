import Testing

/// Waits until `condition` holds, and fails the test when it does not within twenty seconds; nor before it has been looked
/// at a hundred times, for where many tests run at once it may be half a minute from one look to the next.
func eventually(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    var looks = 0
    while !condition() {
        looks += 1
        try #require(
            ContinuousClock.now < deadline || looks < 100, "waited in vain: \(what)", sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(5))
    }
}
