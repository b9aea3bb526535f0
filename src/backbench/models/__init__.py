"""Backbones by name: own small-image families here, and timm, torchvision, the hub and a user's function in `build.py`.

Own families are 32×32-native: they take any small image, 8×8 grey digits and 28×28 letters included.
"""

from backbench.models.family import Family
from backbench.registry import Registry

REGISTRY: Registry[Family] = Registry(
    "model",
    {
        "resnet20": "backbench.models.resnet_cifar:ResNet20",
        "resnet32": "backbench.models.resnet_cifar:ResNet32",
        "resnet44": "backbench.models.resnet_cifar:ResNet44",
        "resnet56": "backbench.models.resnet_cifar:ResNet56",
        "resnet110": "backbench.models.resnet_cifar:ResNet110",
        "trunk": "backbench.trunk.family:Trunk",
        "vgg16_bn_cifar": "backbench.models.vgg_cifar:VGG16BN",
        "mobilenetv2_small": "backbench.models.mobilenetv2_cifar:MobileNetV2Small",
        "vit_mini": "backbench.models.vit_small_image:ViTMini",
        "convnext_mini": "backbench.models.convnext_small_image:ConvNeXtMini",
    },
)
