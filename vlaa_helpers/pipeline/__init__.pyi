from . import steps as steps
from .build import BuildResult as BuildResult, build_dataset as build_dataset, load_build as load_build
from .scripted_teacher import ScriptedTeacher as ScriptedTeacher
from .teachers import ChatTeacher as ChatTeacher
