using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Triggers;
using MlOps.Testing;

namespace MlOps.Serving.Tests.Triggers;

[Collection(AzuriteFixture.Collection)]
public sealed class RawFileWatcherTests(AzuriteFixture azurite)
{
    private static readonly TriggerRules OnNewFile = new(NewFile: true);

    private readonly string model = AzuriteFixture.UniqueModel();

    [Fact]
    public async Task A_new_file_starts_one_run_of_its_model()
    {
        await using var host = new TriggerHost(azurite);
        await host.DefineAsync(model, OnNewFile);
        await host.DropAsync($"{model}/day 1/ä.csv");

        await host.LookAtFilesAsync();
        await host.LookAtFilesAsync();

        var run = (await host.RunsAsync(model)).Should().ContainSingle().Subject;
        run.Source.Should().Be($"raw/{model}/day 1/ä.csv");
        (run.Trigger, run.Goal).Should().Be(("file", RunGoal.Model));
        RunId.ModelOf(run.RunId).Should().Be(model);
    }

    [Fact]
    public async Task A_file_that_somebody_trains_on_is_not_trained_on_twice_and_its_next_state_is()
    {
        await using var host = new TriggerHost(azurite);
        await host.DropAsync($"{model}/a.csv");
        await host.DefineAsync(model, OnNewFile);
        var theirs = await host.Get<RunStarter>().StartAsync(new RunRequest(model, $"raw/{model}/a.csv", "http"), default);

        await host.LookAtFilesAsync();

        (await host.RunsAsync(model)).Should().ContainSingle().Which.RunId.Should().Be(theirs.RunId);
        await host.DropAsync($"{model}/a.csv", "a,y\n3,4\n");
        await host.LookAtFilesAsync();
        (await host.RunsAsync(model)).Select(run => run.Trigger).Should().BeEquivalentTo("http", "file");
    }

    [Fact]
    public async Task Who_trains_on_a_file_that_was_just_taken_gets_its_run_and_by_another_definition_one_of_its_own()
    {
        await using var host = new TriggerHost(azurite);
        await host.DropAsync($"{model}/a.csv");
        await host.DefineAsync(model, OnNewFile);
        await host.LookAtFilesAsync();
        var taken = (await host.RunsAsync(model)).Single();
        Task<Run> TrainAsync() => host.Get<RunStarter>().StartAsync(new RunRequest(model, $"raw/{model}/a.csv", "http"), default);

        var same = await TrainAsync();
        await host.Get<DefinitionStore>().PutAsync(
            new PipelineDefinition { Model = model, Target = "y", RunOn = OnNewFile, Train = new TrainRules { Folds = 0 } }, CancellationToken.None);
        var other = await TrainAsync();
        await host.DropAsync($"{model}/a.csv", "a,y\n5,6\n");
        var changed = await TrainAsync();

        same.RunId.Should().Be(taken.RunId);
        new[] { taken.RunId, other.RunId, changed.RunId }.Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task A_changed_file_starts_another_run()
    {
        await using var host = new TriggerHost(azurite);
        await host.DefineAsync(model, OnNewFile);
        await host.DropAsync($"{model}/a.csv");
        await host.LookAtFilesAsync();

        await host.DropAsync($"{model}/a.csv", "a,y\n3,4\n");
        await host.LookAtFilesAsync();

        var runs = await host.RunsAsync(model);
        runs.Should().HaveCount(2);
        runs.Select(run => run.SourceETag).Should().OnlyHaveUniqueItems().And.NotContainNulls("each run is of its own state of the file");
    }

    [Fact]
    public async Task A_noted_file_starts_one_run_whoever_finds_it_first_and_its_note_goes()
    {
        await using var host = new TriggerHost(azurite);
        await host.NoteAsync($"{model}/a.csv");
        await host.LookAtFilesAsync();
        await host.DropAsync($"{model}/a.csv");
        await host.LookAtFilesAsync();
        await host.DefineAsync(model, OnNewFile);

        for (var look = 0; look < 3; look++)
        {
            await host.LookAtFilesAsync();
        }

        (await host.RunsAsync(model)).Should().ContainSingle();
        (await host.NotesAsync()).Should().NotContain($"{model}/a.csv");
    }

    [Fact]
    public async Task Among_many_files_a_noted_one_is_found_at_once_and_any_other_when_all_are_looked_through_again()
    {
        var clock = new TestClock(DateTimeOffset.UtcNow);
        await using var host = new TriggerHost(azurite, clock);
        await Parallel.ForEachAsync(Enumerable.Range(0, RawFileWatcher.FewFiles + 1), async (i, _) => await host.DropAsync($"{model}-other/{i}.csv"));
        await host.DefineAsync(model, OnNewFile);
        await host.LookAtFilesAsync();

        await host.DropAsync($"{model}/dropped.csv");
        await host.NoteAsync($"{model}/noted.csv");
        await host.DropAsync($"{model}/noted.csv");
        await host.LookAtFilesAsync();
        var first = await host.RunsAsync(model);
        clock.Now += TimeSpan.FromMinutes(5);
        await host.LookAtFilesAsync();

        first.Select(run => run.Source).Should().Equal($"raw/{model}/noted.csv");
        (await host.RunsAsync(model)).Select(run => run.Source).Should().BeEquivalentTo($"raw/{model}/noted.csv", $"raw/{model}/dropped.csv");
        await Parallel.ForEachAsync(Enumerable.Range(0, RawFileWatcher.FewFiles + 1), async (i, _) => await host.RemoveAsync($"{model}-other/{i}.csv"));
    }

    [Fact]
    public async Task A_file_that_comes_after_the_clock_was_set_back_is_found_at_once()
    {
        var clock = new TestClock(DateTimeOffset.UtcNow);
        await using var host = new TriggerHost(azurite, clock);
        await host.DefineAsync(model, OnNewFile);
        await host.LookAtFilesAsync();

        clock.Now -= TimeSpan.FromHours(1);
        await host.DropAsync($"{model}/dropped.csv");
        await host.LookAtFilesAsync();

        (await host.RunsAsync(model)).Should().ContainSingle();
    }

    [Fact]
    public async Task A_restart_starts_no_file_twice_and_misses_none_that_came_meanwhile()
    {
        await using (var before = new TriggerHost(azurite))
        {
            await before.DefineAsync(model, OnNewFile);
            await before.DropAsync($"{model}/before.csv");
            await before.LookAtFilesAsync();
            await before.DropAsync($"{model}/meanwhile.csv");
        }
        await using var after = new TriggerHost(azurite);

        await after.LookAtFilesAsync();

        (await after.RunsAsync(model)).Select(run => run.Source).Should().BeEquivalentTo($"raw/{model}/before.csv", $"raw/{model}/meanwhile.csv");
    }

    [Fact]
    public async Task A_crash_between_starting_and_remembering_starts_no_second_run()
    {
        await using var before = new TriggerHost(azurite, storage: WithoutMarks);
        await before.DefineAsync(model, OnNewFile);
        await before.DropAsync($"{model}/a.csv");
        var look = before.LookAtFilesAsync;
        await look.Should().ThrowAsync<Exception>("its marks cannot be written");
        (await before.RunsAsync(model)).Should().ContainSingle();
        await using var after = new TriggerHost(azurite);

        await after.LookAtFilesAsync();

        (await after.RunsAsync(model)).Should().ContainSingle();
    }

    [Fact]
    public async Task A_file_that_nobody_asked_to_train_on_is_only_ingested()
    {
        await using var host = new TriggerHost(azurite);
        await host.DefineAsync(model, new TriggerRules(NewFile: false));
        await host.DropAsync($"{model}/a.csv");

        await host.LookAtFilesAsync();
        await host.LookAtFilesAsync();

        var run = (await host.RunsAsync(model)).Should().ContainSingle().Subject;
        (run.Source, run.Trigger, run.Goal).Should().Be(($"raw/{model}/a.csv", "file", RunGoal.Dataset));
    }

    [Fact]
    public async Task A_file_without_a_definition_is_left_alone_until_it_has_one_also_across_a_restart()
    {
        await using (var before = new TriggerHost(azurite))
        {
            await before.DropAsync($"{model}/a.csv");
            await before.LookAtFilesAsync();
            await before.LookAtFilesAsync();
            (await before.RunsAsync(model)).Should().BeEmpty();
        }
        await using var host = new TriggerHost(azurite);
        await host.LookAtFilesAsync();
        await host.DefineAsync(model, OnNewFile);

        await host.LookAtFilesAsync();
        await host.LookAtFilesAsync();

        (await host.RunsAsync(model)).Should().ContainSingle().Which.Source.Should().Be($"raw/{model}/a.csv");
    }

    [Fact]
    public async Task Many_models_without_a_definition_are_asked_about_more_rarely_and_one_that_gets_its_own_is_found_all_the_same()
    {
        var clock = new TestClock(DateTimeOffset.UtcNow);
        await using var host = new TriggerHost(azurite, clock);
        string[] models = [.. Enumerable.Range(0, 2 * RawFileWatcher.FewModels).Select(i => $"{model}-{i}")];
        await Parallel.ForEachAsync(models, async (undefined, _) => await host.DropAsync($"{undefined}/a.csv"));
        await host.LookAtFilesAsync();
        await host.DefineAsync(models[^1], OnNewFile);

        await host.LookAtFilesAsync();
        var atOnce = await host.RunsAsync(models[^1]);
        clock.Now += TimeSpan.FromMinutes(5);
        await host.LookAtFilesAsync();

        atOnce.Should().BeEmpty("that none of so many has one was asked a moment ago");
        (await host.RunsAsync(models[^1])).Should().ContainSingle();
        await Parallel.ForEachAsync(models, async (undefined, _) => await host.RemoveAsync($"{undefined}/a.csv"));
    }

    [Fact]
    public async Task A_file_in_no_folder_holds_up_no_other_file()
    {
        await using var host = new TriggerHost(azurite);
        await host.DefineAsync(model, OnNewFile);
        await host.DropAsync("in-no-folder.csv");
        await host.DropAsync($"{model}/a.csv");

        await host.LookAtFilesAsync();

        (await host.RunsAsync(model)).Should().ContainSingle();
    }

    [Fact]
    public async Task A_file_removed_and_put_again_starts_a_run_again()
    {
        await using var host = new TriggerHost(azurite);
        await host.DefineAsync(model, OnNewFile);
        await host.DropAsync($"{model}/a.csv");
        await host.LookAtFilesAsync();
        await host.Storage.Raw.DeleteBlobAsync($"{model}/a.csv");
        await host.LookAtFilesAsync();

        await host.DropAsync($"{model}/a.csv");
        await host.LookAtFilesAsync();

        (await host.RunsAsync(model)).Should().HaveCount(2);
    }

    /// <summary>The same storage, with a table of marks that can be read (it is empty) but not written.</summary>
    private PipelineStorage WithoutMarks(PipelineStorage _)
    {
        var options = new TableClientOptions();
        options.AddPolicy(new RefuseWrites("/marks"), Azure.Core.HttpPipelinePosition.PerCall);
        return new PipelineStorage(new BlobServiceClient(azurite.ConnectionString), new TableServiceClient(azurite.ConnectionString, options));
    }

    private sealed class RefuseWrites(string path) : Azure.Core.Pipeline.HttpPipelineSynchronousPolicy
    {
        public override void OnSendingRequest(Azure.Core.HttpMessage message)
        {
            if (message.Request.Method != Azure.Core.RequestMethod.Get && message.Request.Uri.ToUri().AbsolutePath.Contains(path, StringComparison.Ordinal))
            {
                throw new Azure.RequestFailedException(403, "refused by the test");
            }
        }
    }
}
