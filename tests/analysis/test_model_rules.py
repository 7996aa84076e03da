"""What client models say of screens, device by device."""

from loadtests.analysis.model_rules import by_model
from loadtests.clients.views import ViewRule
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import Story


def test_each_device_has_what_its_model_says() -> None:
    """The rule of the view, and how long the list is."""
    devices = Story(subscribers={"count": 4, "ios": 1, "ios_as_built": 1, "web": 1, "web_as_built": 1}).run().devices
    models = [DeviceModel(int(model)) for model in devices.model]

    rules = dict(zip(models, by_model(devices, lambda model: model.views).tolist(), strict=True))
    limits = dict(zip(models, by_model(devices, lambda model: model.list_limit).tolist(), strict=True))

    assert rules == {
        DeviceModel.IOS: ViewRule.MERGE,
        DeviceModel.WEB: ViewRule.REPLACE,
        DeviceModel.IOS_AS_BUILT: ViewRule.MERGE_KEEP,
        DeviceModel.WEB_AS_BUILT: ViewRule.REPLACE,
    }
    assert limits == {model: 50 if model is DeviceModel.WEB_AS_BUILT else 25 for model in models}
